"""Readers of public data sets: a path is given, nothing is downloaded, leaking columns are left out."""

from estate.datasets.public.ames import read_ames
from estate.datasets.public.bank_marketing import read_bank_marketing
from estate.datasets.public.cdnow import read_cdnow
from estate.datasets.public.king_county import read_king_county
from estate.datasets.public.telco_churn import read_telco_churn
from estate.datasets.public.x_education import read_x_education

__all__ = [
    "read_ames",
    "read_bank_marketing",
    "read_cdnow",
    "read_king_county",
    "read_telco_churn",
    "read_x_education",
]

"""Every causal model of the zoo."""

from .attention import Block as Block
from .attention import causal_attention as causal_attention
from .attention import chunked_linear_attention as chunked_linear_attention
from .catalogue import FAMILIES
from .convolution import causal_conv as causal_conv
from .convolution import fft_conv as fft_conv
from .mixing import shifted as shifted
from .scans import ema as ema
from .specimen import D as D

MODELS = [model for family in FAMILIES.values() for model in family.MODELS]

"""Why a picture of a product matched a photo: contributions of places, pairs of places, pictures.

:mod:`.sight` says where on a picture the encoder's cells lie, :mod:`.cells` makes and keeps them
(:mod:`.occlusion` where the encoder has none), :mod:`.scoring` splits a score up,
:mod:`.contributions` puts the explanation together, and :mod:`.overlay` paints it.
"""

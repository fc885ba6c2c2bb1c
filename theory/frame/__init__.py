"""How a claim is stated, judged, drawn and written down."""

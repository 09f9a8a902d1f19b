"""The demand estimate on generated inflow of which the truth is known, beside simple forecasts."""

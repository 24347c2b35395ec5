"""`drift`: how the fills of a live session differ from those of the backtest of the same bars, order by order."""

import polars as pl

from admf.results import Result


def by_order(result: Result, suffix: str) -> pl.DataFrame:
    """One row an order that filled: bar of the first fill, units, average price, commission."""
    rows, units = result.records.fills, pl.col("quantity").sum()
    fills = pl.DataFrame({name: rows[name] for name in ("order", "side", "bar", "quantity", "price", "commission")})
    made = fills.group_by("order", maintain_order=True).agg(
        pl.col("side").first(),
        pl.col("bar").first(),
        units.alias("units"),
        ((pl.col("price") * pl.col("quantity")).sum() / units).alias("average_price"),
        pl.col("commission").sum(),
    )
    return made.rename({name: f"{name}_{suffix}" for name in made.columns if name != "order"})


def drift(live: Result, backtest: Result) -> pl.DataFrame:
    """One row an order that filled here or there, in order of submission.

    `cause`: empty where both are equal; `only_live`, `only_backtest`, else the first of `side`, `quantity`, `time`,
    `price`, `commission` that differs. `cost`: what the live order paid more than the backtest's, fees included; null
    where one of them did not fill.
    """
    both = by_order(live, "live").join(by_order(backtest, "backtest"), on="order", how="full", coalesce=True)
    fees = pl.col("commission_live") - pl.col("commission_backtest")
    slipped = (
        pl.col("side_live") * (pl.col("average_price_live") - pl.col("average_price_backtest")) * pl.col("units_live")
    )
    cause = pl.lit("")
    named = {"commission": "commission", "average_price": "price", "bar": "time", "units": "quantity", "side": "side"}
    for name, word in named.items():  # the one that counts most comes last
        differs = pl.col(f"{name}_live") != pl.col(f"{name}_backtest")
        cause = pl.when(differs).then(pl.lit(word)).otherwise(cause)
    cause = pl.when(pl.col("units_live").is_null()).then(pl.lit("only_backtest")).otherwise(cause)
    cause = pl.when(pl.col("units_backtest").is_null()).then(pl.lit("only_live")).otherwise(cause)
    return both.with_columns((slipped + fees).alias("cost"), cause.alias("cause")).sort("order")


def drift_total(table: pl.DataFrame) -> dict[str, float]:
    """Orders, orders that differ by cause, and what all of them together cost more than the backtest."""
    counts = dict(table.group_by("cause").len().sort("cause").rows())
    same = float(counts.pop("", 0))
    return {"orders": float(len(table)), "same": same, **counts, "cost": float(table["cost"].sum() or 0.0)}

package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Product is something that can be sold. Its id is its SKU; it lives in the SKU's slot.
type Product struct{ ent.Schema }

// Mixin gives the slot and the times.
func (Product) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns.
func (Product) Fields() []ent.Field {
	return []ent.Field{
		skuKey(),
		field.String("name"),
		field.Int64("unit_price_minor"),
		field.String("currency").SchemaType(map[string]string{dialect.Postgres: "char(3)"}),
		field.Bool("discontinued"),
		field.Int64("version").Comment("Counts changes, from 1."),
		field.Int64("backorder_limit").Default(0).Comment("May be promised beyond what is on hand; the level has a copy."),
	}
}

// Annotations hold the rules that the database checks itself.
func (Product) Annotations() []schema.Annotation {
	return []schema.Annotation{check("product_price", "unit_price_minor >= 0")}
}

// StockLevel is how much there is of one product.
type StockLevel struct{ ent.Schema }

// Mixin gives the slot.
func (StockLevel) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (StockLevel) Fields() []ent.Field {
	return []ent.Field{
		skuKey(),
		field.Int64("on_hand").Comment("On the shelf."),
		field.Int64("held").Default(0).Comment("Promised to orders: the sum of their open holds."),
		field.Time("update_time"),
		field.Int64("backordered").Default(0).Comment("Of what is held, what is still to come."),
		field.Int64("backorder_limit").Default(0).Comment("The product's; here, so that one statement can keep it."),
	}
}

// Annotations hold the rules that the database checks itself.
func (StockLevel) Annotations() []schema.Annotation {
	return []schema.Annotation{
		check("stock_level_covered", "held >= 0 AND held <= on_hand + backorder_limit"),
		check("stock_level_backordered", "backordered >= 0 AND backordered <= held AND held - backordered <= on_hand"),
	}
}

// StockAdjustment is one change of a stock level by hand, never changed afterwards.
type StockAdjustment struct{ ent.Schema }

// Mixin gives the slot.
func (StockAdjustment) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (StockAdjustment) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.String("sku").Immutable(),
		field.Int64("delta").Immutable(),
		field.Uint8("reason").Immutable().Comment("inventory.v1.AdjustmentReason."),
		field.Time("time").Immutable(),
	}
}

// Indexes serve the history of one SKU.
func (StockAdjustment) Indexes() []ent.Index { return []ent.Index{index.Fields("sku", "id")} }

// skuKey is an id that is a SKU. The Postgres migration compares it byte by byte (COLLATE "C"), as
// SQLite does, so that lists of all shards merge.
func skuKey() ent.Field {
	return field.String("id").StorageKey("sku").Immutable().MaxLen(64)
}

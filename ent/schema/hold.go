package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Hold is stock of one SKU set aside for one order. It lives in the SKU's slot. Its id is derived
// from the order and the SKU, so that holding again meets itself.
type Hold struct{ ent.Schema }

// Mixin gives the slot and the times.
func (Hold) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns.
func (Hold) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("order_id", uuid.UUID{}).Immutable(),
		field.String("sku").Immutable(),
		field.Int64("quantity").Comment("Asked for; 0 when it was let go before it was asked for."),
		field.Int64("committed").Default(0).Comment("Of these, what has left the shelf."),
		field.Uint8("state").Comment("inventory.v1.HoldState."),
		field.Time("expire_time").Optional().Nillable().Comment("When an open hold lapses; none for one that stays."),
	}
}

// Indexes serve the audit of a SKU, the holds of an order, the sweep of what lapses, and the queue
// for what comes in.
func (Hold) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("sku", "order_id").Unique(),
		index.Fields("order_id"),
		index.Fields("expire_time").Annotations(entsql.IndexWhere("expire_time IS NOT NULL")),
		index.Fields("sku", "state", "order_id").Annotations(entsql.IndexWhere("state = 2")),
	}
}

// Annotations hold the rules that the database checks itself.
func (Hold) Annotations() []schema.Annotation {
	return []schema.Annotation{check("hold_quantity", "committed >= 0 AND committed <= quantity")}
}

// StockCommit is held stock that left the shelf, never changed afterwards. Its id is derived from
// the request, the order and the SKU, so that asking again meets itself.
type StockCommit struct{ ent.Schema }

// Mixin gives the slot.
func (StockCommit) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (StockCommit) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("order_id", uuid.UUID{}).Immutable(),
		field.String("sku").Immutable(),
		field.Int64("quantity").Immutable(),
		field.Int64("committed").Immutable().Comment("Of the hold, with this: the first answer."),
		field.Bytes("fingerprint").Immutable().Comment("SHA-256 of the request: another request with the same id is refused."),
		field.Time("time").Immutable(),
	}
}

// Indexes serve the history of one SKU.
func (StockCommit) Indexes() []ent.Index { return []ent.Index{index.Fields("sku", "id")} }

// Annotations hold the rules that the database checks itself.
func (StockCommit) Annotations() []schema.Annotation {
	return []schema.Annotation{check("stock_commit_quantity", "quantity >= 1")}
}

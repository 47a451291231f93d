package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// OrderReturn is goods that came back. It lives where its customer's orders live.
type OrderReturn struct{ ent.Schema }

// Mixin gives the slot and the times.
func (OrderReturn) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns.
func (OrderReturn) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.String("customer_id").Comment("Empty for a guest, and once it is erased; never changes otherwise."),
		field.String("source").Immutable(),
		field.String("number").Immutable(),
		field.Uint8("status").Comment("orders.v1.ReturnStatus."),
		field.String("currency").Immutable().SchemaType(map[string]string{dialect.Postgres: "char(3)"}),
		field.JSON("lines", []ReturnLine{}),
		field.Int64("total_minor").Comment("Minor units."),
		field.UUID("order_id", uuid.UUID{}).Immutable().Optional().Nillable().Comment("None for imported history, whose lines tell."),
		field.JSON("progress", &ReturnProgress{}).Optional(),
	}
}

// Indexes serve the lists: each filter has one that ends with the id.
func (OrderReturn) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("slot", "customer_id", "id"),
		index.Fields("number", "id").Annotations(entsql.IndexWhere("number <> ''")),
	}
}

// ReturnProgress is what was said and decided about a return, as it is stored.
type ReturnProgress struct {
	Reason  string         `json:"reason,omitempty"`
	Refund  int64          `json:"refund,omitempty"` // minor units
	Restock []LineQuantity `json:"restock,omitempty"`
}

// ReturnLine is a line of a return as it is stored.
type ReturnLine struct {
	OrderLine
	Matches []ReturnMatch `json:"matches,omitempty"`
}

// ReturnMatch ties returned goods to the order line that sold them.
type ReturnMatch struct {
	Order    uuid.UUID `json:"order"`
	Position int       `json:"position"` // from 1
	Quantity int64     `json:"quantity"`
}

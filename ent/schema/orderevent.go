package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// OrderEvent is one change of one order, written with it and changed by an erasure alone. Its id is the order's
// with the sequence in the last 16 bits: an order's events are one range of keys without gaps,
// and no two can have the same number.
type OrderEvent struct{ ent.Schema }

// Mixin gives the slot.
func (OrderEvent) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (OrderEvent) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.Time("time").Immutable().Comment("UTC, microseconds."),
		field.Bytes("change").Comment("events.v1.OrderEvent with its change alone, in protobuf; without what is personal once that is erased."),
	}
}

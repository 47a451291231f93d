package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Request remembers a change that was answered, so that asking again gives the first answer. It
// commits with its effect. Its id is the hash of who asked and the request id they gave.
type Request struct{ ent.Schema }

// Mixin gives the slot.
func (Request) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (Request) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.Bytes("fingerprint").Immutable().Comment("SHA-256 of the request: another request with the same id is refused."),
		field.UUID("order_id", uuid.UUID{}).Immutable().Optional().Nillable().Comment("The order that it made or changed."),
		field.Int64("version").Immutable().Default(0).Comment("The version that the order had then: the first answer is the fold up to it."),
		field.Bytes("answer").Optional().Comment("The first answer, where no events can give it again; JSON."),
		field.Time("create_time").Immutable(),
	}
}

// Indexes serve the sweep of old requests.
func (Request) Indexes() []ent.Index { return []ent.Index{index.Fields("create_time")} }

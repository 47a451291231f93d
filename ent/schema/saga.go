package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Saga is how far one durable process of one subject has come. It lives in the shard of its
// subject. Its id is the subject and the saga's name with a slash between, so a subject has each
// saga at most once. server/saga says what the columns mean.
type Saga struct{ ent.Schema }

// Mixin gives the slot and the times.
func (Saga) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns.
func (Saga) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("saga_key").Immutable(),
		field.String("subject").Immutable(),
		field.String("saga").Immutable(),
		field.Uint8("state").Comment("saga.State; below 5 is unfinished."),
		field.Bool("undoing"),
		field.Int16("step").Comment("The step to do or undo next, from 0."),
		field.Int32("attempts").Comment("How often that was tried in vain."),
		field.String("reason").Comment("Why it did not go on the last time."),
		field.String("cause").Comment("Why it is being undone."),
		field.Int64("ticket").Comment("The job that may go on with it; 0 for none."),
		field.Time("wake_time").Comment("When to look at it again, whatever becomes of the job."),
		field.Time("deadline"),
		field.String("trace").MaxLen(55).Default("").Immutable().Comment("The traceparent of the call that it follows from; empty when that is not traced."),
	}
}

// Indexes serve the sweep and the lists. Both hold little: most sagas are finished.
func (Saga) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("wake_time").Annotations(entsql.IndexWhere("state < 5")),
		index.Fields("id").StorageKey("saga_unfinished").Annotations(entsql.IndexWhere("state < 5")),
	}
}

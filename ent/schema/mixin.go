// Package schema models what is stored. Every database gets all of it: the tables of home are
// used in the home database only.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"
)

// slotted is what belongs to a slot and moves with it.
type slotted struct{ mixin.Schema }

func (slotted) Fields() []ent.Field {
	return []ent.Field{
		field.Int16("slot").Immutable().Comment("The virtual shard, 0 to 4095; its shard map entry says where the row lives."),
	}
}

// timed is what is created and changes.
type timed struct{ mixin.Schema }

func (timed) Fields() []ent.Field {
	return []ent.Field{
		field.Time("create_time").Immutable().Comment("UTC, microseconds."),
		field.Time("update_time").Comment("UTC, microseconds."),
	}
}

// uuidKey is an id that the application makes.
func uuidKey() ent.Field { return field.UUID("id", uuid.UUID{}).Immutable() }

// check names a rule that the database itself holds. Postgres parses and plans each rule of a table anew for
// every statement that writes there, so tables that are written all the time have rules about goods and money
// only, and none about what one place in the code decides: slots, versions and states.
func check(name, rule string) *entsql.Annotation {
	return &entsql.Annotation{Checks: map[string]string{name: rule}}
}

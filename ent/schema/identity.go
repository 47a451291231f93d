package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// User is a person who logs in. Home.
type User struct{ ent.Schema }

// Mixin gives the times.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{timed{}} }

// Fields lists the columns.
func (User) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.String("email").Unique().Comment("In lower case."),
		field.String("display_name"),
		field.String("password_hash").Sensitive().Comment("PHC string of argon2id."),
		rolesField(),
		field.String("customer_id").Comment("Whose orders the user sees as a customer."),
		field.String("request_id").Immutable().Comment("The request that registered the user; may be empty."),
	}
}

// Indexes serve the erasure of a customer.
func (User) Indexes() []ent.Index { return []ent.Index{index.Fields("customer_id")} }

// rolesField is a set of roles.
func rolesField() ent.Field {
	return field.Int("roles").Comment("One bit for each policy.v1.Role; 0 is shut out.")
}

// Login is one login, from its password to its last refresh. Home.
type Login struct{ ent.Schema }

// Fields lists the columns.
func (Login) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Time("create_time").Immutable(),
		field.Time("expire_time").Immutable(),
		field.Time("revoke_time").Optional().Nillable(),
	}
}

// Indexes serve the end of all logins of a user, and of those that are over.
func (Login) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("expire_time")}
}

// RefreshToken is one of the tokens that a login was given. It is kept after its use, so that a second
// use is noticed. Home.
type RefreshToken struct{ ent.Schema }

// Fields lists the columns.
func (RefreshToken) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("hash").Immutable().Comment("SHA-256 of the token, hexadecimal."),
		field.UUID("session_id", uuid.UUID{}).Immutable(),
		field.Time("use_time").Optional().Nillable(),
	}
}

// Indexes serve the end of a session.
func (RefreshToken) Indexes() []ent.Index { return []ent.Index{index.Fields("session_id")} }

// LoginThrottle counts the logins that were tried for the addresses whose keyed hash falls into one of
// some buckets: so the table is bounded whatever strangers try. Home.
type LoginThrottle struct{ ent.Schema }

// Fields lists the columns.
func (LoginThrottle) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").StorageKey("bucket").Immutable(),
		field.Int("tries").Comment("Since the last success, or the last pause."),
		field.Time("free_time").Comment("When the next one may be tried."),
		field.Time("update_time"),
		field.Int64("version").Comment("Counts changes, from 1."),
	}
}

// APIKey is what a program calls with. Home.
type APIKey struct{ ent.Schema }

// Mixin gives the times.
func (APIKey) Mixin() []ent.Mixin { return []ent.Mixin{timed{}} }

// Fields lists the columns.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.String("display_name").Immutable(),
		rolesField(),
		field.Strings("scopes").Optional().Immutable().Comment("None for all that the roles allow."),
		field.String("customer_id").Immutable(),
		field.Time("expire_time").Optional().Nillable().Immutable(),
		field.Time("revoke_time").Optional().Nillable(),
		field.Time("last_use_time").Optional().Nillable().Comment("To a minute or so."),
		field.String("maker").Immutable().Comment("Who made it; may be empty."),
	}
}

// APIKeySecret is one secret of a key. Home.
type APIKeySecret struct{ ent.Schema }

// Fields lists the columns.
func (APIKeySecret) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("prefix").Immutable().Comment("How the secret begins."),
		field.UUID("key_id", uuid.UUID{}).Immutable(),
		field.Bytes("hash").Immutable().Sensitive().Comment("HMAC-SHA-256 of the whole secret, keyed."),
		field.Time("create_time").Immutable(),
		field.Time("expire_time").Optional().Nillable(),
		field.String("request").Unique().Immutable().Comment("Who asked for it, and the request's id."),
	}
}

// Indexes serve the secrets of a key.
func (APIKeySecret) Indexes() []ent.Index { return []ent.Index{index.Fields("key_id")} }

// SigningKey signs access tokens from its time on, until the next one does. Home.
type SigningKey struct{ ent.Schema }

// Fields lists the columns.
func (SigningKey) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").StorageKey("number").Immutable().Comment("From 1; replicas that make the next one at the same time agree by it."),
		field.String("kid").Unique().Immutable(),
		field.Bytes("public").Immutable().Comment("Ed25519."),
		field.Bytes("private").Sensitive().Comment("Ed25519 seed, sealed or not."),
		field.Bool("sealed").Comment("Whether it takes auth.key_secret to read the seed."),
		field.Time("sign_time").Immutable().Comment("From when it signs."),
		field.Time("create_time").Immutable(),
	}
}

// AuditRecord is one thing that was done or denied. Records are a chain and never change. Home.
type AuditRecord struct{ ent.Schema }

// Fields lists the columns.
func (AuditRecord) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("number").Immutable().Comment("From 1, without gaps."),
		field.Time("time").Immutable().Comment("UTC, microseconds."),
		field.String("actor").Immutable().Comment("Who did it; empty for nobody."),
		field.String("action").Immutable(),
		field.String("object").Immutable().Comment("To what; may be empty."),
		field.String("outcome").Immutable(),
		field.String("detail").Immutable().Comment("Never a secret; may be empty."),
		field.Bytes("previous").Immutable().Comment("The hash of the record before; zeros for the first."),
		field.Bytes("hash").Immutable().Comment("SHA-256 over all of the above."),
	}
}

// Annotations hold the rules that the database checks itself.
func (AuditRecord) Annotations() []schema.Annotation {
	return []schema.Annotation{check("audit_record_number", "number >= 1")}
}

// AuditHead is the end of the chain of audit records, one row: who locks it may append. Home.
type AuditHead struct{ ent.Schema }

// Fields lists the columns.
func (AuditHead) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Immutable(),
		field.Int64("number").Comment("Of the last record; 0 for none."),
		field.Bytes("hash").Comment("Of the last record; zeros for none."),
	}
}

// Annotations hold the rules that the database checks itself.
func (AuditHead) Annotations() []schema.Annotation {
	return []schema.Annotation{check("audit_head_one", "id = 1")}
}

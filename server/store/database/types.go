package database

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// types makes a connection give times in UTC, not in the zone of this machine, and take a uuid.UUID for the
// sixteen bytes that it is: pgx would have it written as text, fail to send that, and read it again.
func types(_ context.Context, conn *pgx.Conn) error {
	known := conn.TypeMap()
	known.RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	known.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{bytesOfUUID}, known.TryWrapEncodePlanFuncs...)
	known.RegisterDefaultPgType([]uuid.UUID{}, "_uuid") // where the URL asks for a mode that does not learn types from Postgres
	return nil
}

func bytesOfUUID(value any) (plan pgtype.WrappedEncodePlanNextSetter, next any, ok bool) {
	u, ok := value.(uuid.UUID)
	return &uuidPlan{}, [16]byte(u), ok
}

type uuidPlan struct{ next pgtype.EncodePlan }

// SetNext implements pgtype.WrappedEncodePlanNextSetter.
func (p *uuidPlan) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode implements pgtype.EncodePlan.
func (p *uuidPlan) Encode(value any, buffer []byte) ([]byte, error) {
	return p.next.Encode([16]byte(value.(uuid.UUID)), buffer)
}

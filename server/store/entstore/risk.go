package entstore

import (
	"context"
	"database/sql"
	"errors"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/riskassessment"
	"github.com/orderprocessing/orderprocessing/ent/schema"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
)

// SaveAssessment inserts unless there is one, and reads what is there then.
func (s *Store) SaveAssessment(ctx context.Context, a risk.Assessment) (kept risk.Assessment, err error) {
	reasons := make([]schema.RiskReason, len(a.Reasons))
	for i, r := range a.Reasons {
		reasons[i] = schema.RiskReason(r)
	}
	err = s.inTx(ctx, func(tx *db.Tx) error {
		err := tx.RiskAssessment.Create().
			SetID(uuid.UUID(a.OrderID.UUID)).
			SetSlot(int16(a.OrderID.Slot())). //nolint:gosec // below 4096
			SetScore(a.Score).SetOutcome(uint8(a.Outcome)).SetReasons(reasons).SetShadow(a.Shadow).SetCreateTime(a.Created).
			OnConflict(entsql.ConflictColumns(riskassessment.FieldID), entsql.DoNothing()).
			Exec(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) { // ent's word for nothing done
			return err
		}
		row, err := tx.RiskAssessment.Get(ctx, uuid.UUID(a.OrderID.UUID))
		if err == nil {
			kept = assessmentFromRow(row)
		}
		return err
	})
	return kept, err
}

// Assessment reads one assessment by its key.
func (s *Store) Assessment(ctx context.Context, orderID order.ID) (risk.Assessment, error) {
	row, err := s.read.RiskAssessment.Get(ctx, uuid.UUID(orderID.UUID))
	if db.IsNotFound(err) {
		return risk.Assessment{}, nil
	}
	if err != nil {
		return risk.Assessment{}, fromDriver(err)
	}
	return assessmentFromRow(row), nil
}

func assessmentFromRow(row *db.RiskAssessment) risk.Assessment {
	a := risk.Assessment{
		OrderID: order.ID{UUID: id.UUID(row.ID)},
		Score:   row.Score,
		Outcome: risk.Outcome(row.Outcome),
		Reasons: make([]risk.Reason, len(row.Reasons)),
		Shadow:  row.Shadow,
		Created: row.CreateTime.UTC(),
	}
	for i, r := range row.Reasons {
		a.Reasons[i] = risk.Reason(r)
	}
	return a
}

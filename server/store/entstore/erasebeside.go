package entstore

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/orderreturn"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/ent/db/request"
	"github.com/orderprocessing/orderprocessing/ent/db/riskassessment"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

// eraseAssessment keeps the rules and their points. Their explanations quote the customer.
func eraseAssessment(ctx context.Context, tx *db.Tx, orderID order.ID) error {
	row, err := tx.RiskAssessment.Get(ctx, uuid.UUID(orderID.UUID))
	if db.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range row.Reasons {
		row.Reasons[i].Explanation = ""
	}
	return tx.RiskAssessment.Update().Where(riskassessment.ID(row.ID)).SetReasons(row.Reasons).Exec(ctx)
}

// erasePayments erases some payments with the notes of their operations. The ledger names nobody.
func (s *Store) erasePayments(ctx context.Context, tx *db.Tx, _ *wakes, slot int16, customerID string) (int, error) {
	found, err := locked(s, tx.Payment.Query().Where(entpayment.Slot(slot), entpayment.CustomerID(customerID)).
		Order(entpayment.ByID()).Limit(eraseAtOnce)).All(ctx)
	if err != nil {
		return 0, err
	}
	for _, row := range found {
		first, last := payment.Span(id.UUID(row.ID))
		err := tx.PaymentOperation.Update().Where(
			paymentoperation.IDGTE(uuid.UUID(first)), paymentoperation.IDLTE(uuid.UUID(last)), paymentoperation.PaymentID(row.ID),
		).SetNote("").Exec(ctx)
		if err != nil {
			return 0, err
		}
		err = tx.Payment.Update().Where(entpayment.ID(row.ID)).
			SetCustomerID("").SetRedirectURL("").SetVersion(row.Version + 1).SetUpdateTime(s.now().UTC().Truncate(time.Microsecond)).Exec(ctx)
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// eraseReturns erases some returns.
func (s *Store) eraseReturns(ctx context.Context, tx *db.Tx, _ *wakes, slot int16, customerID string) (int, error) {
	found, err := locked(s, tx.OrderReturn.Query().Where(returnsOf(slot, customerID)).Order(orderreturn.ByID()).Limit(eraseAtOnce)).All(ctx)
	if err != nil {
		return 0, err
	}
	for _, row := range found {
		r := returnFromRow(row)
		if !r.Status.Final() { // asked for since they were counted
			return 0, customerOpen(0, 1)
		}
		r = r.Anonymous()
		update := tx.OrderReturn.Update().Where(orderreturn.ID(row.ID)).SetCustomerID(r.CustomerID).SetUpdateTime(s.now().UTC().Truncate(time.Microsecond))
		if row.Progress != nil {
			update.SetProgress(returnProgressToRow(r))
		}
		if err := update.Exec(ctx); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// eraseAnswers erases the answers to requests that are remembered word by word: those about returns. It
// reads what is remembered for the slot; the rest of the requests point to events.
func (s *Store) eraseAnswers(ctx context.Context, slot int16, customerID string) error {
	name, err := json.Marshal(customerID)
	if err != nil {
		return err
	}
	for after := (uuid.UUID{}); ; {
		page, err := s.read.Request.Query().Where(request.Slot(slot), request.AnswerNotNil(), request.IDGT(after)).
			Order(request.ByID()).Limit(scanPage).All(ctx)
		if err != nil || len(page) == 0 {
			return fromDriver(err)
		}
		after = page[len(page)-1].ID
		for _, row := range page {
			var r order.Return
			if !bytes.Contains(row.Answer, name) || json.Unmarshal(row.Answer, &r) != nil || r.CustomerID != customerID {
				continue
			}
			text, err := json.Marshal(r.Anonymous())
			if err != nil {
				return err
			}
			if err := s.alone.Request.Update().Where(request.ID(row.ID)).SetAnswer(text).Exec(ctx); err != nil {
				return fromDriver(err)
			}
		}
	}
}

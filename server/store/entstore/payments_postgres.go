package entstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentevent"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
)

// On Postgres a batch of changes of payments is three round trips, as one of stock is: read, write,
// commit. Through ent it is seven, and every order takes two of them. The statements are those that
// ent makes, and the rows are ent's, read without its scanning.

// changePaymentsAtOnce is changePayments on Postgres, for changes from which no saga follows.
func (s *Store) changePaymentsAtOnce(ctx context.Context, batch []paymentChange) (results []paymentResult, err error) {
	err = again(ctx, func() error {
		return pipelined(ctx, s.database, func(conn *pgx.Conn) error {
			b, err := s.readPayments(ctx, conn, batch)
			if err != nil {
				return err
			}
			results = b.changeAll(batch, nil)
			return pipe(ctx, conn, b.tables())
		})
	})
	return results, err
}

// readPayments is lockPayments in one round trip, which also begins the transaction.
func (s *Store) readPayments(ctx context.Context, conn *pgx.Conn, batch []paymentChange) (*paymentBatch, error) {
	b, keys := newPaymentBatch(s), keysOfPayments(batch)
	trip := &pgx.Batch{}
	trip.Queue("BEGIN")
	var p db.Payment
	columns, targets := paymentFields(&p)
	queueRead(trip, selectByID(entpayment.Table, columns)+" FOR UPDATE", keys.payments, targets, func() {
		b.payments[id.UUID(p.ID)] = paymentFromRow(&p)
	})
	var o db.PaymentOperation
	columns, targets = operationFields(&o)
	queueRead(trip, selectByID(paymentoperation.Table, columns), keys.operations, targets, func() {
		b.operations[id.UUID(o.ID)] = operationFromRow(&o)
	})
	if len(keys.events) > 0 {
		var event uuid.UUID
		queueRead(trip, selectByID(paymentevent.Table, []string{paymentevent.FieldID}), keys.events, []any{&event}, func() {
			b.taken[event] = true
		})
	}
	if err := conn.SendBatch(ctx, trip).Close(); err != nil {
		return nil, err
	}
	return b, b.check(keys)
}

func paymentFields(r *db.Payment) (columns []string, targets []any) {
	return []string{
			entpayment.FieldID, entpayment.FieldCreateTime, entpayment.FieldUpdateTime, entpayment.FieldOrderID,
			entpayment.FieldCustomerID, entpayment.FieldGateway, entpayment.FieldCurrency, entpayment.FieldAmountMinor,
			entpayment.FieldState, entpayment.FieldAuthState, entpayment.FieldAuthorization, entpayment.FieldAuthorizedMinor,
			entpayment.FieldCapturedMinor, entpayment.FieldReleasedMinor, entpayment.FieldRefundedMinor,
			entpayment.FieldCapturePendingMinor, entpayment.FieldRefundPendingMinor, entpayment.FieldOpenCaptures,
			entpayment.FieldOpenUnknown, entpayment.FieldVoidState, entpayment.FieldDecline, entpayment.FieldRedirectURL,
			entpayment.FieldExpireTime, entpayment.FieldVersion,
		}, []any{
			&r.ID, &r.CreateTime, &r.UpdateTime, &r.OrderID,
			&r.CustomerID, &r.Gateway, &r.Currency, &r.AmountMinor,
			&r.State, &r.AuthState, &r.Authorization, &r.AuthorizedMinor,
			&r.CapturedMinor, &r.ReleasedMinor, &r.RefundedMinor,
			&r.CapturePendingMinor, &r.RefundPendingMinor, &r.OpenCaptures,
			&r.OpenUnknown, &r.VoidState, &r.Decline, &r.RedirectURL,
			&r.ExpireTime, &r.Version,
		}
}

func operationFields(r *db.PaymentOperation) (columns []string, targets []any) {
	return []string{
			paymentoperation.FieldID, paymentoperation.FieldCreateTime, paymentoperation.FieldUpdateTime,
			paymentoperation.FieldPaymentID, paymentoperation.FieldKind, paymentoperation.FieldKey,
			paymentoperation.FieldFingerprint, paymentoperation.FieldAmountMinor, paymentoperation.FieldFinal,
			paymentoperation.FieldNote, paymentoperation.FieldState, paymentoperation.FieldHeldMinor,
			paymentoperation.FieldSends, paymentoperation.FieldSentTime, paymentoperation.FieldReference,
			paymentoperation.FieldReason,
		}, []any{
			&r.ID, &r.CreateTime, &r.UpdateTime,
			&r.PaymentID, &r.Kind, &r.Key,
			&r.Fingerprint, &r.AmountMinor, &r.Final,
			&r.Note, &r.State, &r.HeldMinor,
			&r.Sends, &r.SentTime, &r.Reference,
			&r.Reason,
		}
}

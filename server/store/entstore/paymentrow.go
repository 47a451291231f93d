package entstore

import (
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/ledgerentry"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentevent"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

var payments = newTable(
	entpayment.Table, "payments.version < excluded.version",
	fixed(entpayment.FieldID, func(p *payment.Payment) uuid.UUID { return uuid.UUID(p.ID.UUID) }),
	fixed(entpayment.FieldSlot, func(p *payment.Payment) int16 { return int16(p.ID.Slot()) }), //nolint:gosec // below 4096
	fixed(entpayment.FieldOrderID, func(p *payment.Payment) uuid.UUID { return uuid.UUID(p.OrderID.UUID) }),
	fixed(entpayment.FieldCustomerID, func(p *payment.Payment) string { return p.CustomerID }),
	fixed(entpayment.FieldGateway, func(p *payment.Payment) string { return p.Gateway }),
	fixed(entpayment.FieldCurrency, func(p *payment.Payment) string { return string(p.Currency) }),
	fixed(entpayment.FieldAmountMinor, func(p *payment.Payment) int64 { return int64(p.Amount) }),
	fixed(entpayment.FieldCreateTime, func(p *payment.Payment) time.Time { return p.Created }),
	open(entpayment.FieldUpdateTime, func(p *payment.Payment) time.Time { return p.Updated }),
	open(entpayment.FieldState, func(p *payment.Payment) uint8 { return uint8(p.State) }),
	open(entpayment.FieldAuthState, func(p *payment.Payment) uint8 { return uint8(p.Auth) }),
	open(entpayment.FieldVoidState, func(p *payment.Payment) uint8 { return uint8(p.Void) }),
	open(entpayment.FieldAuthorization, func(p *payment.Payment) string { return p.Authorization }),
	open(entpayment.FieldAuthorizedMinor, func(p *payment.Payment) int64 { return int64(p.Authorized) }),
	open(entpayment.FieldCapturedMinor, func(p *payment.Payment) int64 { return int64(p.Captured) }),
	open(entpayment.FieldReleasedMinor, func(p *payment.Payment) int64 { return int64(p.Released) }),
	open(entpayment.FieldRefundedMinor, func(p *payment.Payment) int64 { return int64(p.Refunded) }),
	open(entpayment.FieldCapturePendingMinor, func(p *payment.Payment) int64 { return int64(p.CapturePending) }),
	open(entpayment.FieldRefundPendingMinor, func(p *payment.Payment) int64 { return int64(p.RefundPending) }),
	open(entpayment.FieldOpenCaptures, func(p *payment.Payment) int { return p.OpenCaptures }),
	open(entpayment.FieldOpenUnknown, func(p *payment.Payment) int { return p.OpenUnknown }),
	open(entpayment.FieldDecline, func(p *payment.Payment) string { return p.Decline }),
	open(entpayment.FieldRedirectURL, func(p *payment.Payment) string { return p.RedirectURL }),
	open(entpayment.FieldExpireTime, func(p *payment.Payment) sometime { return sometime{p.Expires} }),
	open(entpayment.FieldVersion, func(p *payment.Payment) int64 { return p.Version }),
)

func paymentFromRow(row *db.Payment) payment.Payment {
	p := payment.Payment{
		ID:             payment.ID{UUID: id.UUID(row.ID)},
		OrderID:        order.ID{UUID: id.UUID(row.OrderID)},
		CustomerID:     row.CustomerID,
		Gateway:        row.Gateway,
		Currency:       money.Currency(row.Currency),
		Amount:         money.Minor(row.AmountMinor),
		State:          payment.State(row.State),
		Auth:           payment.OperationState(row.AuthState),
		Void:           payment.VoidState(row.VoidState),
		Authorization:  row.Authorization,
		Authorized:     money.Minor(row.AuthorizedMinor),
		Captured:       money.Minor(row.CapturedMinor),
		Released:       money.Minor(row.ReleasedMinor),
		Refunded:       money.Minor(row.RefundedMinor),
		CapturePending: money.Minor(row.CapturePendingMinor),
		RefundPending:  money.Minor(row.RefundPendingMinor),
		OpenCaptures:   row.OpenCaptures,
		OpenUnknown:    row.OpenUnknown,
		Decline:        row.Decline,
		RedirectURL:    row.RedirectURL,
		Version:        row.Version,
		Created:        row.CreateTime.UTC(),
		Updated:        row.UpdateTime.UTC(),
	}
	if row.ExpireTime != nil {
		p.Expires = row.ExpireTime.UTC()
	}
	return p
}

var operations = newTable(
	paymentoperation.Table, "payment_operations.state < 4",
	fixed(paymentoperation.FieldID, func(o *payment.Operation) uuid.UUID { return uuid.UUID(o.ID.UUID) }),
	fixed(paymentoperation.FieldSlot, func(o *payment.Operation) int16 { return int16(o.ID.Slot()) }), //nolint:gosec // below 4096
	fixed(paymentoperation.FieldPaymentID, func(o *payment.Operation) uuid.UUID { return uuid.UUID(o.PaymentID.UUID) }),
	fixed(paymentoperation.FieldKind, func(o *payment.Operation) uint8 { return uint8(o.Kind) }),
	fixed(paymentoperation.FieldKey, func(o *payment.Operation) string { return string(o.Key) }),
	fixed(paymentoperation.FieldFingerprint, func(o *payment.Operation) []byte { return o.Fingerprint[:] }),
	fixed(paymentoperation.FieldAmountMinor, func(o *payment.Operation) int64 { return int64(o.Amount) }),
	fixed(paymentoperation.FieldFinal, func(o *payment.Operation) bool { return o.Final }),
	fixed(paymentoperation.FieldNote, func(o *payment.Operation) string { return o.Note }),
	fixed(paymentoperation.FieldCreateTime, func(o *payment.Operation) time.Time { return o.Created }),
	open(paymentoperation.FieldUpdateTime, func(o *payment.Operation) time.Time { return o.Updated }),
	open(paymentoperation.FieldState, func(o *payment.Operation) uint8 { return uint8(o.State) }),
	open(paymentoperation.FieldHeldMinor, func(o *payment.Operation) int64 { return int64(o.Held) }),
	open(paymentoperation.FieldSends, func(o *payment.Operation) int { return o.Sends }),
	open(paymentoperation.FieldSentTime, func(o *payment.Operation) time.Time { return o.SentAt }),
	open(paymentoperation.FieldReference, func(o *payment.Operation) string { return o.Reference }),
	open(paymentoperation.FieldReason, func(o *payment.Operation) string { return o.Reason }),
)

func operationFromRow(row *db.PaymentOperation) payment.Operation {
	return payment.Operation{
		ID:          payment.OperationID{UUID: id.UUID(row.ID)},
		PaymentID:   payment.ID{UUID: id.UUID(row.PaymentID)},
		Kind:        payment.Kind(row.Kind),
		Key:         payment.Key(row.Key),
		Fingerprint: [32]byte(row.Fingerprint),
		Amount:      money.Minor(row.AmountMinor),
		Final:       row.Final,
		Note:        row.Note,
		State:       payment.OperationState(row.State),
		Held:        money.Minor(row.HeldMinor),
		Sends:       row.Sends,
		SentAt:      row.SentTime.UTC(),
		Reference:   row.Reference,
		Reason:      row.Reason,
		Created:     row.CreateTime.UTC(),
		Updated:     row.UpdateTime.UTC(),
	}
}

var ledger = newTable(
	ledgerentry.Table, "",
	fixed(ledgerentry.FieldID, func(e *payment.Entry) uuid.UUID { return uuid.UUID(e.ID) }),
	fixed(ledgerentry.FieldSlot, func(e *payment.Entry) int16 { return int16(e.ID.Slot()) }), //nolint:gosec // below 4096
	fixed(ledgerentry.FieldPaymentID, func(e *payment.Entry) uuid.UUID { return uuid.UUID(e.PaymentID.UUID) }),
	fixed(ledgerentry.FieldMovement, func(e *payment.Entry) uint8 { return uint8(e.Movement) }),
	fixed(ledgerentry.FieldDebit, func(e *payment.Entry) uint8 { return uint8(e.Debit) }),
	fixed(ledgerentry.FieldCredit, func(e *payment.Entry) uint8 { return uint8(e.Credit) }),
	fixed(ledgerentry.FieldAmountMinor, func(e *payment.Entry) int64 { return int64(e.Amount) }),
	fixed(ledgerentry.FieldCurrency, func(e *payment.Entry) string { return string(e.Currency) }),
	fixed(ledgerentry.FieldTime, func(e *payment.Entry) time.Time { return e.Time }),
)

func entryFromRow(row *db.LedgerEntry) payment.Entry {
	return payment.Entry{
		ID:        id.UUID(row.ID),
		PaymentID: payment.ID{UUID: id.UUID(row.PaymentID)},
		Movement:  payment.Movement(row.Movement),
		Debit:     payment.Account(row.Debit),
		Credit:    payment.Account(row.Credit),
		Amount:    money.Minor(row.AmountMinor),
		Currency:  money.Currency(row.Currency),
		Time:      row.Time.UTC(),
	}
}

// paymentEventRow is what a gateway told of a payment, and when.
type paymentEventRow struct {
	store.PaymentEvent

	paymentID payment.ID
	at        time.Time
}

var paymentEvents = newTable(
	paymentevent.Table, "",
	fixed(paymentevent.FieldID, func(e *paymentEventRow) uuid.UUID { return uuid.UUID(e.Key()) }),
	fixed(paymentevent.FieldSlot, func(e *paymentEventRow) int16 { return int16(e.paymentID.Slot()) }), //nolint:gosec // below 4096
	fixed(paymentevent.FieldPaymentID, func(e *paymentEventRow) uuid.UUID { return uuid.UUID(e.paymentID.UUID) }),
	fixed(paymentevent.FieldEventID, func(e *paymentEventRow) string { return e.ID }),
	fixed(paymentevent.FieldCreateTime, func(e *paymentEventRow) time.Time { return e.at }),
)

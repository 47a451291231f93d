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

func paymentCells(p payment.Payment) []cell {
	return []cell{
		{entpayment.FieldID, uuid.UUID(p.ID.UUID), true},
		{entpayment.FieldSlot, int16(p.ID.Slot()), true}, //nolint:gosec // below 4096
		{entpayment.FieldOrderID, uuid.UUID(p.OrderID.UUID), true},
		{entpayment.FieldCustomerID, p.CustomerID, true},
		{entpayment.FieldGateway, p.Gateway, true},
		{entpayment.FieldCurrency, string(p.Currency), true},
		{entpayment.FieldAmountMinor, int64(p.Amount), true},
		{entpayment.FieldCreateTime, p.Created, true},
		{entpayment.FieldUpdateTime, p.Updated, false},
		{entpayment.FieldState, uint8(p.State), false},
		{entpayment.FieldAuthState, uint8(p.Auth), false},
		{entpayment.FieldVoidState, uint8(p.Void), false},
		{entpayment.FieldAuthorization, p.Authorization, false},
		{entpayment.FieldAuthorizedMinor, int64(p.Authorized), false},
		{entpayment.FieldCapturedMinor, int64(p.Captured), false},
		{entpayment.FieldReleasedMinor, int64(p.Released), false},
		{entpayment.FieldRefundedMinor, int64(p.Refunded), false},
		{entpayment.FieldCapturePendingMinor, int64(p.CapturePending), false},
		{entpayment.FieldRefundPendingMinor, int64(p.RefundPending), false},
		{entpayment.FieldOpenCaptures, p.OpenCaptures, false},
		{entpayment.FieldOpenUnknown, p.OpenUnknown, false},
		{entpayment.FieldDecline, p.Decline, false},
		{entpayment.FieldRedirectURL, p.RedirectURL, false},
		{entpayment.FieldExpireTime, timeOrNull(p.Expires), false},
		{entpayment.FieldVersion, p.Version, false},
	}
}

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

func operationCells(o payment.Operation) []cell {
	return []cell{
		{paymentoperation.FieldID, uuid.UUID(o.ID.UUID), true},
		{paymentoperation.FieldSlot, int16(o.ID.Slot()), true}, //nolint:gosec // below 4096
		{paymentoperation.FieldPaymentID, uuid.UUID(o.PaymentID.UUID), true},
		{paymentoperation.FieldKind, uint8(o.Kind), true},
		{paymentoperation.FieldKey, string(o.Key), true},
		{paymentoperation.FieldFingerprint, o.Fingerprint[:], true},
		{paymentoperation.FieldAmountMinor, int64(o.Amount), true},
		{paymentoperation.FieldFinal, o.Final, true},
		{paymentoperation.FieldNote, o.Note, true},
		{paymentoperation.FieldCreateTime, o.Created, true},
		{paymentoperation.FieldUpdateTime, o.Updated, false},
		{paymentoperation.FieldState, uint8(o.State), false},
		{paymentoperation.FieldHeldMinor, int64(o.Held), false},
		{paymentoperation.FieldSends, o.Sends, false},
		{paymentoperation.FieldSentTime, o.SentAt, false},
		{paymentoperation.FieldReference, o.Reference, false},
		{paymentoperation.FieldReason, o.Reason, false},
	}
}

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

func entryCells(e payment.Entry) []cell {
	return []cell{
		{ledgerentry.FieldID, uuid.UUID(e.ID), true},
		{ledgerentry.FieldSlot, int16(e.ID.Slot()), true}, //nolint:gosec // below 4096
		{ledgerentry.FieldPaymentID, uuid.UUID(e.PaymentID.UUID), true},
		{ledgerentry.FieldMovement, uint8(e.Movement), true},
		{ledgerentry.FieldDebit, uint8(e.Debit), true},
		{ledgerentry.FieldCredit, uint8(e.Credit), true},
		{ledgerentry.FieldAmountMinor, int64(e.Amount), true},
		{ledgerentry.FieldCurrency, string(e.Currency), true},
		{ledgerentry.FieldTime, e.Time, true},
	}
}

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

func paymentEventCells(e store.PaymentEvent, paymentID payment.ID, now time.Time) []cell {
	return []cell{
		{paymentevent.FieldID, uuid.UUID(e.Key()), true},
		{paymentevent.FieldSlot, int16(paymentID.Slot()), true}, //nolint:gosec // below 4096
		{paymentevent.FieldPaymentID, uuid.UUID(paymentID.UUID), true},
		{paymentevent.FieldEventID, e.ID, true},
		{paymentevent.FieldCreateTime, now, true},
	}
}

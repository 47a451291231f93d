package payment

import (
	"strings"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// ID names a payment, `pay_…`. It begins with the bits of its order, time and slot, so that the
// payments of an order share its shard and are one range of keys. It is also the id of the
// operation that authorized the payment.
type ID struct{ id.UUID }

// String writes the id as callers know it.
func (i ID) String() string { return i.Format("pay") }

// ParseID reads an id as callers know it, or fails with INVALID_ID.
func ParseID(text string) (ID, error) {
	u, err := id.Parse("pay", text)
	return ID{u}, err
}

// MoveID names one change of a payment: its id with the number of the change.
type MoveID struct{ id.UUID }

// Move names the latest change.
func (p Payment) Move() MoveID {
	return MoveID{p.ID.WithPart(1 + int((p.Version-1)%id.MaxPart))}
}

// String writes the id as callers know it.
func (i MoveID) String() string { return i.Format("pmv") }

// PaymentID gives the payment that was changed.
func (i MoveID) PaymentID() ID { return ID{i.WithPart(0)} }

// ParseMoveID reads an id as callers know it, or fails with INVALID_ID.
func ParseMoveID(text string) (MoveID, error) {
	u, err := id.Parse("pmv", text)
	return MoveID{u}, err
}

// OperationID names one thing that is asked of the gateway: `ref_…` for a refund, `pop_…` otherwise.
type OperationID struct{ id.UUID }

// Text writes the id as callers know it.
func (i OperationID) Text(kind Kind) string {
	if kind == KindRefund {
		return i.Format("ref")
	}
	return i.Format("pop")
}

// Key names a wish for ever: the gateway does what it asks for at most once.
type Key string

// KeyOf gives the key of a wish about an order: <order>/<name>. A name that begins with the order
// already, such as <order>/<saga>/<step>, is the key.
func KeyOf(orderID order.ID, name string) Key {
	prefix := orderID.String() + "/"
	if strings.HasPrefix(name, prefix) {
		return Key(name)
	}
	return Key(prefix + name)
}

// OperationIDOf gives the id of the wish with this key, for ever: wishing again meets itself.
func OperationIDOf(orderID order.ID, key Key) OperationID {
	return OperationID{id.Derived(orderID.Time(), orderID.Slot(), "payment\x00"+string(key))}
}

// Span gives the range of ids that the payments of an order lie in, and their operations and
// entries. Another order of the same millisecond and slot may share it.
func Span(begin id.UUID) (first, last id.UUID) {
	first, last = begin, begin
	for i := 8; i < len(first); i++ {
		first[i], last[i] = 0, 0xff
	}
	return first, last
}

package entstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/ent/db/orderreturn"
	"github.com/orderprocessing/orderprocessing/ent/db/predicate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// eraseAtOnce is how many rows of a kind one transaction erases.
const eraseAtOnce = 50

// EraseCustomer erases a kind of rows after the other. Those of orders go first: they are looked for by the
// customer, whom they do not name any more afterwards.
func (s *Store) EraseCustomer(ctx context.Context, customerID string) (e store.Erased, err error) {
	slot := int16(id.SlotOf(customerID)) //nolint:gosec // below 4096
	if err := s.refuseOpen(ctx, slot, customerID); err != nil {
		return e, err
	}
	for _, kind := range []struct {
		erased *int
		erase  func(context.Context, *db.Tx, *wakes, int16, string) (int, error)
	}{
		{&e.Orders, s.eraseOrders}, {&e.Payments, s.erasePayments}, {&e.Returns, s.eraseReturns},
	} {
		for n := eraseAtOnce; n == eraseAtOnce; {
			err := s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) (err error) {
				n, err = kind.erase(ctx, tx, w, slot, customerID)
				return err
			})
			if err != nil {
				return e, err
			}
			*kind.erased += n
		}
	}
	return e, s.eraseAnswers(ctx, slot, customerID)
}

// refuseOpen counts what is on its way.
func (s *Store) refuseOpen(ctx context.Context, slot int16, customerID string) error {
	orders, err := s.read.Order.Query().Where(ordersOf(slot, customerID), entorder.LifecycleNotIn(
		uint8(order.Completed), uint8(order.Canceled), uint8(order.Rejected), uint8(order.Expired),
	)).Count(ctx)
	if err != nil {
		return fromDriver(err)
	}
	returns, err := s.read.OrderReturn.Query().Where(returnsOf(slot, customerID), orderreturn.StatusNotIn(
		uint8(order.ReturnClosed), uint8(order.ReturnRejected),
	)).Count(ctx)
	if err != nil {
		return fromDriver(err)
	}
	if orders+returns > 0 {
		return customerOpen(orders, returns)
	}
	return nil
}

func ordersOf(slot int16, customerID string) predicate.Order {
	return entorder.And(entorder.Slot(slot), entorder.CustomerID(customerID))
}

func returnsOf(slot int16, customerID string) predicate.OrderReturn {
	return orderreturn.And(orderreturn.Slot(slot), orderreturn.CustomerID(customerID))
}

func customerOpen(orders, returns int) error {
	return fault.New(fault.KindPrecondition, fault.ReasonCustomerOrdersOpen,
		"the customer has %d orders and %d returns on their way; see them to their end first", orders, returns)
}

// eraseOrders erases some orders, with their events and assessments.
func (s *Store) eraseOrders(ctx context.Context, tx *db.Tx, w *wakes, slot int16, customerID string) (int, error) {
	found, err := locked(s, tx.Order.Query().Where(ordersOf(slot, customerID)).Order(entorder.ByID()).Limit(eraseAtOnce)).All(ctx)
	if err != nil {
		return 0, err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	for _, row := range found {
		o := orderFromRow(row)
		if !o.Lifecycle.Final() { // made since they were counted
			return 0, customerOpen(1, 0)
		}
		erased, err := s.eraseOrder(ctx, tx, o, now)
		if err != nil {
			return 0, err
		}
		w.afterOrder(o) // it stood in lists of the customer, whom it does not name any more
		w.afterOrder(erased)
	}
	return len(found), nil
}

func (s *Store) eraseOrder(ctx context.Context, tx *db.Tx, o order.Order, now time.Time) (order.Order, error) {
	history, err := readEvents(ctx, tx.Client(), o.ID, 1, id.MaxPart, id.MaxPart)
	if err != nil {
		return order.Order{}, err
	}
	erased, told, err := o.Erase(history, now)
	if err != nil {
		return order.Order{}, err
	}
	added, err := newEventRow(told[len(history)])
	if err != nil {
		return order.Order{}, err
	}
	for _, e := range told[:len(history)] {
		change, err := events.Marshal(e.Change)
		if err != nil {
			return order.Order{}, err
		}
		err = tx.OrderEvent.Update().Where(orderevent.ID(uuid.UUID(e.OrderID.WithPart(int(e.Sequence))))).SetChange(change).Exec(ctx)
		if err != nil {
			return order.Order{}, err
		}
	}
	if err := s.write(ctx, tx, &rows{events: []eventRow{added}}); err != nil {
		return order.Order{}, err
	}
	err = tx.Order.Update().Where(entorder.ID(uuid.UUID(o.ID.UUID))).
		SetCustomerID(erased.CustomerID).ClearShipTo().SetNote(erased.Note).SetCancelReason(erased.CancelReason).
		SetPaymentMethod(erased.PaymentMethod).SetProgress(progressToRow(erased.Progress)).
		SetUpdateTime(erased.Updated).SetVersion(erased.Version).Exec(ctx)
	if err != nil {
		return order.Order{}, err
	}
	return erased, eraseAssessment(ctx, tx, o.ID)
}

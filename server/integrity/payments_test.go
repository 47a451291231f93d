package integrity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestPayments(t *testing.T) {
	for name, want := range map[string]struct{ statement, invariant string }{
		"a sound payment is clean":      {"SELECT 1", ""},
		"an entry that is lost":         {"DELETE FROM ledger_entries", integrity.Money},
		"an entry that is changed":      {"UPDATE ledger_entries SET amount_minor = amount_minor + 1", integrity.Money},
		"an operation that is lost":     {"DELETE FROM payment_operations", integrity.Money},
		"an operation in another slot":  {"UPDATE payment_operations SET slot = (slot + 1) % 4096", integrity.Placement},
		"a payment in another shard":    {"move", integrity.Placement},
		"a payment of another amount":   {"UPDATE payments SET authorized_minor = authorized_minor - 1", integrity.Money},
		"a payment of no version":       {"UPDATE payments SET version = 0", integrity.Money},
		"a payment in the wrong state":  {"UPDATE payments SET state = 1", integrity.Money},
		"more captured than was booked": {"UPDATE payments SET captured_minor = captured_minor + 1", integrity.Money},
	} {
		t.Run(name, func(t *testing.T) {
			urls := storetest.SQLite(2)(t)
			shards := open(t, urls, 0, 1)
			orderID := authorize(t, shards)
			if want.statement == "move" {
				require.NoError(t, shards.Close(t.Context()))
				shards = open(t, urls, 1, 0)
			} else {
				for _, url := range urls {
					damage(t, url, want.statement)
				}
			}
			report, err := integrity.Check(t.Context(), from(shards), nil)
			require.NoError(t, err)
			require.NoError(t, shards.Close(context.WithoutCancel(t.Context())))
			require.Equal(t, int64(1), report.Payments)
			require.Equal(t, want.invariant == "", report.OK, "%v", report.Listed)
			for _, v := range report.Listed {
				require.Equal(t, want.invariant, v.Invariant, v.Detail)
				require.Equal(t, orderID.String(), v.OrderID)
			}
		})
	}
}

// authorize places an order and sets its money aside.
func authorize(t *testing.T, s store.Store) order.ID {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	placed, err := s.CreateOrder(t.Context(), store.NewOrder{
		ID: order.NewID(now, "cus_1", ""), Created: now.Truncate(time.Millisecond), Change: order.Placed{Details: wanted()},
	})
	require.NoError(t, err)
	pay(t, s, placed.ID)
	return placed.ID
}

// wanted is what an order wants that costs 100.
func wanted() order.Details {
	return order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: []order.Line{{SKU: "A", Quantity: 5, UnitPrice: 20}}}
}

// pay sets 100 aside.
func pay(t *testing.T, s store.Store, orderID order.ID) payment.ID {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	key := payment.KeyOf(orderID, "pay")
	operationID := payment.OperationIDOf(orderID, key)
	change := func(decide func(payment.Record) (*payment.Decision, error)) {
		_, err := s.ChangePayment(t.Context(), store.PaymentChange{
			PaymentID: payment.ID(operationID), Operation: operationID, Decide: decide,
		})
		require.NoError(t, err)
	}
	change(func(r payment.Record) (*payment.Decision, error) {
		return payment.Authorize(r, payment.New{
			OrderID: orderID, Gateway: "test", Currency: "GBP", Wish: payment.Wish{Key: key, Amount: 100},
		}, now)
	})
	change(func(r payment.Record) (*payment.Decision, error) {
		return payment.Apply(r, payment.Outcome{
			Answer: payment.AnswerDone, Authorization: "auth_1", Reference: "mov_1", Expires: now.Add(time.Hour),
		}, now), nil
	})
	return payment.ID(operationID)
}

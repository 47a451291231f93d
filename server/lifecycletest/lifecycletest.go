// Package lifecycletest holds a whole server to the way of an order: placed, confirmed, shipped,
// delivered and returned, or undone without a trace. It runs over every store and every engine.
package lifecycletest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// Patience is how long something durable may take on a busy machine before it counts as stuck.
const Patience = 10 * time.Second

// Run runs the suite against a server with room for its products. patience bounds each wait.
func Run(t *testing.T, s *servertest.Server, patience time.Duration) {
	t.Helper()
	for name, test := range map[string]func(*shop){
		"an order is confirmed, shipped, paid, delivered and complete":              complete,
		"parcels share an order and its money":                                      parcels,
		"an order without stock is rejected, and nothing is asked of the bank":      outOfStock,
		"an order with a part missing waits, and goes on without it":                partMissing,
		"a declined order is rejected and its stock let go":                         declined,
		"an order without a way to pay waits for one":                               noMethod,
		"another way to pay goes on after too little money":                         payAgain,
		"a customer who has to prove who they are does so":                          prove,
		"a canceled order leaves nothing behind":                                    cancelConfirmed,
		"an order that waits can be canceled":                                       cancelWaiting,
		"what the bank did without answering is found out and counts once":          unknownCharge,
		"an order on hold stays until staff let it go on":                           onHold,
		"an odd order waits for staff, who see why":                                 oddOrder,
		"goods come back: refund and restock are decided each for itself":           giveBack,
		"an order of services alone is paid and complete when it is confirmed":      services,
		"an order that costs nothing needs no way to pay":                           free,
		"an order of which a part has left cannot be canceled":                      cancelShipped,
		"a manual refund shows in the order":                                        manualRefund,
		"money that is captured twice, shipped unheld or returned unshipped is not": refusals,
		"sixty-four buyers of fifty units: fifty get one":                           buyersRace,
		"sixty-four buyers of two products, named in either order":                  buyersOfTwoRace,
		"an order that is canceled while it is confirmed leaves nothing behind":     cancelRacesConfirm,
		"of a parcel that leaves and a cancellation exactly one wins":               shipRacesCancel,
		"parcels that leave at once are paid once each":                             parcelsRace,
		"an edit races placing again":                                               editRacesPlace,
		"an order that staff were paid for goes on":                                 paidByHand,
		"two returns that claim too much together get what there is":                refundsRace,
		"an imported order can be canceled":                                         cancelImported,
		"what was held before an edit is let go too":                                editAndCancel,
		"an order amended to what is not there leaves nothing to pay":               amendToNothing,
		"a confirmed order that gets smaller is paid as it reads now":               editSmaller,
		"a confirmed order that gets larger holds and pays more, and once":          editLarger,
		"a confirmed order that nothing is owed for any more is let go":             editFree,
		"an edit that cannot be had leaves the order as it was":                     editInVain,
		"what has left or is planned to is not edited, nor on an old etag":          editRefused,
		"of an edit and a parcel that meet, both hold or one waits":                 editRacesShip,
		"an order that is canceled while it is edited leaves nothing behind":        editRacesCancel,
		"staff set money aside for an edit that the bank would not":                 editPaidByHand,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&shop{Server: s, t: t, patience: patience, prefix: t.Name()})
		})
	}
}

func complete(s *shop) {
	sku := s.sku(10)
	orderID := s.confirmed(line(sku, 3))
	s.requireStock(sku, 10, 3)
	o := s.order(orderID)
	require.NotNil(s.t, o.GetConfirmTime())

	shipmentID := s.parcel(orderID)
	o = s.until(orderID, func(o *ordersv1.Order) bool {
		return o.GetPaymentStatus() == ordersv1.PaymentStatus_PAYMENT_STATUS_PAID
	})
	require.Equal(s.t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_SHIPPED, o.GetFulfillmentStatus())
	require.Equal(s.t, int64(3), o.GetLines()[0].GetShippedQuantity())
	s.requireStock(sku, 7, 0)
	require.Equal(s.t, int64(3000), s.payments(orderID)[0].GetCapturedMinor())

	s.deliver(shipmentID)
	require.Equal(s.t, ordersv1.Lifecycle_LIFECYCLE_COMPLETED, s.order(orderID).GetLifecycle())
}

func parcels(s *shop) {
	sku, other := s.sku(5), s.sku(5)
	orderID := s.confirmed(line(sku, 2), line(other, 1))
	first := s.parcel(orderID, &ordersv1.ShipmentLine{Position: 1, Quantity: 1})
	o := s.until(orderID, func(o *ordersv1.Order) bool {
		return o.GetPaymentStatus() == ordersv1.PaymentStatus_PAYMENT_STATUS_PARTIALLY_PAID
	})
	require.Equal(s.t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_PARTIAL, o.GetFulfillmentStatus())
	require.Equal(s.t, int64(1000), s.payments(orderID)[0].GetCapturedMinor())
	second := s.parcel(orderID)
	s.deliver(first)
	s.deliver(second)
	o = s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_PAID, o.GetPaymentStatus())
	require.Len(s.t, s.payments(orderID), 1)
	require.Equal(s.t, int64(3000), s.payments(orderID)[0].GetCapturedMinor())
	s.requireStock(sku, 3, 0)
	s.requireStock(other, 4, 0)
}

func services(s *shop) {
	orderID := s.place("tok_ok", &ordersv1.Line{Sku: "LESSON", Kind: ordersv1.LineKind_LINE_KIND_SERVICE, Quantity: 2, UnitPriceMinor: 4000})
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_PAID, o.GetPaymentStatus())
	require.Equal(s.t, int64(8000), s.payments(orderID)[0].GetCapturedMinor())
}

func free(s *shop) {
	sku := s.sku(1)
	orderID := s.place("", &ordersv1.Line{Sku: sku, Quantity: 1})
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_NONE, o.GetPaymentStatus())
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	require.Empty(s.t, s.payments(orderID))
}

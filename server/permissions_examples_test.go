package server_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// examples make a request of every method that is fine, if the caller may: about an object of
// cus_owner where objects have owners. Each call makes another one.
type examples struct {
	t      *testing.T
	s      *servertest.Server
	made   int
	member *identityv1.User
	all    map[protoreflect.FullName]func() proto.Message
}

// newExamples starts a server on which there is no end of logging in.
func newExamples(t *testing.T, change ...func(*config.Config)) *examples {
	t.Helper()
	s := servertest.Start(t, append(change, func(cfg *config.Config) { cfg.Limits.Login = config.Budget{} })...)
	e := &examples{t: t, s: s}
	for _, sku := range []string{"A", "85123A", "71053"} { // those of cart, so that its orders wait to be paid
		e.stock(sku)
	}
	e.member = e.user()
	returnID := e.returned()
	e.all = map[protoreflect.FullName]func() proto.Message{
		"orders.v1.OrderService.CreateOrder": func() proto.Message {
			return &ordersv1.CreateOrderRequest{Order: cart(owner.CustomerID), RequestId: e.requestID()}
		},
		"orders.v1.OrderService.PlaceOrder": func() proto.Message {
			return &ordersv1.PlaceOrderRequest{OrderId: e.order(true).GetId(), RequestId: e.requestID()}
		},
		"orders.v1.OrderService.GetOrder": func() proto.Message {
			return &ordersv1.GetOrderRequest{OrderId: e.order(false).GetId()}
		},
		"orders.v1.OrderService.ListOrders": func() proto.Message {
			return &ordersv1.ListOrdersRequest{Filter: &ordersv1.OrderFilter{CustomerId: owner.CustomerID}}
		},
		"orders.v1.OrderService.UpdateOrder": func() proto.Message {
			return &ordersv1.UpdateOrderRequest{
				Order:      &ordersv1.Order{Id: e.order(false).GetId(), Note: "ring twice"},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}, RequestId: e.requestID(),
			}
		},
		"orders.v1.OrderService.CancelOrder": func() proto.Message {
			return &ordersv1.CancelOrderRequest{OrderId: e.order(false).GetId(), RequestId: e.requestID()}
		},
		"orders.v1.OrderService.HoldOrder": func() proto.Message {
			return &ordersv1.HoldOrderRequest{OrderId: e.confirmed(), Reason: "call them", RequestId: e.requestID()}
		},
		"orders.v1.OrderService.ResumeOrder": func() proto.Message {
			return &ordersv1.ResumeOrderRequest{OrderId: e.confirmed(), RequestId: e.requestID()}
		},
		"orders.v1.OrderService.GetRiskAssessment": func() proto.Message {
			return &ordersv1.GetRiskAssessmentRequest{OrderId: e.confirmed()}
		},
		"orders.v1.OrderService.WatchOrder": func() proto.Message {
			return &ordersv1.WatchOrderRequest{OrderId: e.confirmed()}
		},
		"orders.v1.OrderService.ListOrderEvents": func() proto.Message {
			return &ordersv1.ListOrderEventsRequest{OrderId: e.order(false).GetId()}
		},
		"orders.v1.OrderService.ImportOrders": func() proto.Message { return importRequest(e.requestID()) },
		"orders.v1.OrderService.ExportOrders": func() proto.Message {
			return &ordersv1.ExportOrdersRequest{CustomerId: owner.CustomerID}
		},
		"orders.v1.OrderService.EraseCustomer": func() proto.Message {
			return &ordersv1.EraseCustomerRequest{CustomerId: e.requestID()} // a customer of whom nothing is kept
		},
		"orders.v1.ReturnService.RequestReturn": func() proto.Message { return e.giveBack() },
		"orders.v1.ReturnService.ApproveReturn": func() proto.Message {
			return &ordersv1.ApproveReturnRequest{ReturnId: e.returned(), RequestId: e.requestID()}
		},
		"orders.v1.ReturnService.RejectReturn": func() proto.Message {
			return &ordersv1.RejectReturnRequest{ReturnId: e.returned(), Reason: "worn", RequestId: e.requestID()}
		},
		"orders.v1.ReturnService.ReceiveReturn": func() proto.Message {
			return &ordersv1.ReceiveReturnRequest{ReturnId: e.approved(), RequestId: e.requestID()}
		},
		"orders.v1.ReturnService.CloseReturn": func() proto.Message {
			return &ordersv1.CloseReturnRequest{ReturnId: e.received(), RequestId: e.requestID()}
		},
		"orders.v1.ReturnService.GetReturn": func() proto.Message { return &ordersv1.GetReturnRequest{ReturnId: returnID} },
		"orders.v1.ReturnService.ListReturns": func() proto.Message {
			return &ordersv1.ListReturnsRequest{Filter: &ordersv1.ReturnFilter{CustomerId: owner.CustomerID}}
		},
		"orders.v1.ShipmentService.CreateShipment": func() proto.Message {
			return &ordersv1.CreateShipmentRequest{OrderId: e.confirmed(), RequestId: e.requestID()}
		},
		"orders.v1.ShipmentService.PackShipment": func() proto.Message {
			return &ordersv1.PackShipmentRequest{ShipmentId: e.parcel(), RequestId: e.requestID()}
		},
		"orders.v1.ShipmentService.ShipShipment": func() proto.Message {
			return &ordersv1.ShipShipmentRequest{ShipmentId: e.parcel(), RequestId: e.requestID()}
		},
		"orders.v1.ShipmentService.DeliverShipment": func() proto.Message {
			return &ordersv1.DeliverShipmentRequest{ShipmentId: e.shipped(), RequestId: e.requestID()}
		},
		"orders.v1.ShipmentService.CancelShipment": func() proto.Message {
			return &ordersv1.CancelShipmentRequest{ShipmentId: e.parcel(), RequestId: e.requestID()}
		},
		"orders.v1.ShipmentService.LoseShipment": func() proto.Message {
			return &ordersv1.LoseShipmentRequest{ShipmentId: e.shipped(), RequestId: e.requestID()}
		},
		"inventory.v1.InventoryService.UpsertProduct": func() proto.Message {
			return &inventoryv1.UpsertProductRequest{Product: &inventoryv1.Product{Sku: e.requestID(), CurrencyCode: "GBP"}, RequestId: e.requestID()}
		},
		"inventory.v1.InventoryService.GetProduct":   func() proto.Message { return &inventoryv1.GetProductRequest{Sku: "A"} },
		"inventory.v1.InventoryService.ListProducts": func() proto.Message { return &inventoryv1.ListProductsRequest{} },
		"inventory.v1.InventoryService.GetStock":     func() proto.Message { return &inventoryv1.GetStockRequest{Sku: "A"} },
		"inventory.v1.InventoryService.AdjustStock": func() proto.Message {
			return &inventoryv1.AdjustStockRequest{
				Sku: "A", Delta: 1, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED, RequestId: e.requestID(),
			}
		},
		"inventory.v1.InventoryService.HoldStock":    func() proto.Message { return e.hold() },
		"inventory.v1.InventoryService.ReleaseStock": func() proto.Message { return &inventoryv1.ReleaseStockRequest{OrderId: e.held(), Skus: []string{"A"}} },
		"inventory.v1.InventoryService.CommitStock": func() proto.Message {
			return &inventoryv1.CommitStockRequest{
				OrderId: e.held(), Demands: []*inventoryv1.Demand{{Sku: "A", Quantity: 1}}, RequestId: e.requestID(),
			}
		},
		"payments.v1.PaymentService.AuthorizePayment": func() proto.Message { return e.authorize() },
		"payments.v1.PaymentService.CapturePayment": func() proto.Message {
			return &paymentsv1.CapturePaymentRequest{PaymentId: e.paid(), AmountMinor: 1, RequestId: e.requestID()}
		},
		"payments.v1.PaymentService.VoidPayment": func() proto.Message {
			return &paymentsv1.VoidPaymentRequest{PaymentId: e.paid(), RequestId: e.requestID()}
		},
		"payments.v1.PaymentService.RefundPayment": func() proto.Message {
			paymentID := e.paid()
			_, err := s.Payments.CapturePayment(t.Context(), &paymentsv1.CapturePaymentRequest{PaymentId: paymentID, AmountMinor: 1, RequestId: e.requestID()})
			require.NoError(t, err)
			return &paymentsv1.RefundPaymentRequest{PaymentId: paymentID, AmountMinor: 1, RequestId: e.requestID()}
		},
		"payments.v1.OrderPaymentService.AuthorizeOrder": func() proto.Message {
			return &paymentsv1.AuthorizeOrderRequest{Authorization: e.wish()}
		},
		"payments.v1.OrderPaymentService.CaptureOrder": func() proto.Message {
			return &paymentsv1.CaptureOrderRequest{PaymentId: e.paid(), AmountMinor: 1, Key: e.requestID()}
		},
		"payments.v1.OrderPaymentService.RefundOrder": func() proto.Message {
			taken, err := s.Payments.CapturePayment(t.Context(), &paymentsv1.CapturePaymentRequest{PaymentId: e.paid(), AmountMinor: 1, RequestId: e.requestID()})
			require.NoError(t, err)
			return &paymentsv1.RefundOrderRequest{OrderId: taken.GetPayment().GetOrderId(), AmountMinor: 1, Note: "damaged", Occasion: e.occasion()}
		},
		"payments.v1.OrderPaymentService.ReleaseOrder": func() proto.Message {
			return &paymentsv1.ReleaseOrderRequest{OrderId: e.order(false).GetId(), Occasion: e.occasion()}
		},
		"payments.v1.OrderPaymentService.LetGoPayment": func() proto.Message {
			return &paymentsv1.LetGoPaymentRequest{PaymentId: e.paid(), Occasion: e.occasion()}
		},
		"payments.v1.OrderPaymentService.LetGoOrder": func() proto.Message {
			return &paymentsv1.LetGoOrderRequest{OrderId: e.order(false).GetId(), Occasion: e.occasion()}
		},
		"payments.v1.OrderPaymentService.ForsakeOrder": func() proto.Message {
			return &paymentsv1.ForsakeOrderRequest{Authorization: e.wish()}
		},
		"orders.v1.OrderService.NotePayment": func() proto.Message {
			return &ordersv1.NotePaymentRequest{OrderId: e.confirmed()}
		},
		"payments.v1.PaymentService.GetPayment": func() proto.Message { return &paymentsv1.GetPaymentRequest{PaymentId: e.paid()} },
		"payments.v1.PaymentService.ListPayments": func() proto.Message {
			return &paymentsv1.ListPaymentsRequest{Filter: &paymentsv1.PaymentFilter{CustomerId: owner.CustomerID}}
		},
	}
	maps.Copy(e.all, e.ofOperators())
	return e
}

package interceptors

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
)

func TestAudited(t *testing.T) {
	var acts []Act
	var broken error
	e := serve(t, &orders{}, func(o *Options) {
		strictly(&denials{})(o)
		o.Acted = func(_ context.Context, a Act) error {
			acts = append(acts, a)
			return broken
		}
	})
	hold := func(token, reason string) error {
		_, err := with(e, token).HoldOrder(t.Context(), &ordersv1.HoldOrderRequest{OrderId: orderID, Reason: reason, RequestId: "r"})
		return err
	}
	t.Run("what staff did is told", func(t *testing.T) {
		acts = nil
		require.NoError(t, hold("staff", "look"))
		require.Len(t, acts, 1)
		require.Equal(t, "usr_3", acts[0].Caller.ID)
		require.Equal(t, "/orders.v1.OrderService/HoldOrder", acts[0].Procedure)
		require.Equal(t, orderID, acts[0].Object)
		require.Empty(t, acts[0].Detail)
	})
	t.Run("what was refused is not", func(t *testing.T) {
		acts = nil
		require.Error(t, hold("customer", "look"))
		require.Error(t, hold("staff", ""))
		require.Empty(t, acts)
	})
	t.Run("what only reads is not", func(t *testing.T) {
		acts = nil
		_, err := with(e, "staff").GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(t, err)
		require.Empty(t, acts)
	})
	t.Run("a call without its record fails", func(t *testing.T) {
		broken = errors.New("no log")
		require.Equal(t, connect.CodeInternal, connect.CodeOf(hold("staff", "look")))
	})
}

func TestCheckAudit(t *testing.T) {
	service := operationsv1.File_operations_v1_operations_service_proto.Services().Get(0)
	check := func(method protoreflect.Name, paths ...string) error {
		return checkAudit(service.Methods().ByName(method), &policyv1.Audit{Object: paths[0], Details: paths[1:]})
	}
	require.NoError(t, check("RetrySaga", "subject", "saga"))
	require.ErrorContains(t, check("RetrySaga", ""), `""`)
	require.ErrorContains(t, check("RetrySaga", "subject", "sagas"), `"sagas"`)
	require.ErrorContains(t, check("RetrySaga", "subject.id"), `"subject.id"`)
	require.ErrorContains(t, check("VerifyIntegrity", "subject"), "stream")
	update := ordersv1.File_orders_v1_order_service_proto.Services().Get(0).Methods().ByName("UpdateOrder")
	require.ErrorContains(t, checkAudit(update, &policyv1.Audit{Object: "order"}), "a message")
	require.ErrorContains(t, checkAudit(update, &policyv1.Audit{Object: "order.lines"}), "order.lines")
	require.NoError(t, checkAudit(update, &policyv1.Audit{Object: "order.id"}))
}

package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
)

func TestEventsOf(t *testing.T) {
	for name, c := range map[string]struct {
		moved entstore.Moved
		want  []string
	}{
		"a new order is placed":                {entstore.Moved{From: 0, To: order.Pending}, []string{"placed"}},
		"so is a draft":                        {entstore.Moved{From: order.Draft, To: order.Pending}, []string{"placed"}},
		"history is imported":                  {entstore.Moved{From: 0, To: order.Completed}, []string{"imported"}},
		"an order that waited goes on":         {entstore.Moved{From: order.ActionRequired, To: order.Pending}, []string{"resumed"}},
		"a confirmed order is held and let go": {entstore.Moved{From: order.OnHold, To: order.Confirmed}, []string{"released"}},
		"an order is confirmed":                {entstore.Moved{From: order.Pending, To: order.Confirmed, Confirmed: true}, []string{"confirmed"}},
		"one of services is complete by that":  {entstore.Moved{From: order.Pending, To: order.Completed, Confirmed: true}, []string{"confirmed", "completed"}},
		"an order is rejected":                 {entstore.Moved{From: order.Pending, To: order.Rejected}, []string{"rejected"}},
		"a cancellation ends":                  {entstore.Moved{From: order.Canceling, To: order.Canceled}, []string{"canceled"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, eventsOf(c.moved)) })
	}
}

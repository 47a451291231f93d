package server

import (
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/inventory"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/peers"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// shop is what the sagas work with, here or in another process.
type shop struct {
	stock workflow.Stock
	money shopMoney // nil where there is no gateway
}

// shopMoney is what orders and their sagas need of the money.
type shopMoney interface {
	workflow.Payments
	orders.Payments
}

// newShop takes what runs in this process, and what others have of it. m and goods are this process's.
func newShop(stores *Stores, others *neighbors, m *money, goods *inventory.Service) *shop {
	s := &shop{stock: goods}
	if p := others.peers[config.ServiceInventory]; p != nil {
		s.stock = peers.NewStock(p)
	}
	if p := others.peers[config.ServicePayments]; p != nil {
		s.money = peers.NewPayments(p, payments.Standing{Payments: stores.Shards})
	} else if m.cases != nil {
		s.money = m.cases
	}
	return s
}

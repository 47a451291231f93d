package entstore

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentevent"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// PipelinedReads gives the statements that read orders and payments on Postgres beside ent, with
// arguments as a batch of one would have.
func PipelinedReads(key uuid.UUID) []PostgresStatement {
	payments, _ := paymentFields(&db.Payment{})
	operations, _ := operationFields(&db.PaymentOperation{})
	trip, keys := &pgx.Batch{}, []uuid.UUID{key}
	queueOrders(trip, keys, "", func(order.Order) {})
	queueOrders(trip, keys, " FOR UPDATE", func(order.Order) {})
	queueRead(trip, selectByID(entpayment.Table, payments)+" FOR UPDATE", keys, nil, nil)
	queueRead(trip, selectByID(paymentoperation.Table, operations), keys, nil, nil)
	queueRead(trip, selectByID(paymentevent.Table, []string{paymentevent.FieldID}), keys, nil, nil)
	var all []PostgresStatement
	for _, q := range trip.QueuedQueries {
		all = append(all, PostgresStatement{q.SQL, q.Arguments})
	}
	return all
}

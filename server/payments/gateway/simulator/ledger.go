package simulator

import (
	"context"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// OpenLedger reads the ledger of a bank from its database, beside the bank, which may be running in
// another process. It writes nothing and delivers nothing. Call what it gives to let go of it.
func OpenLedger(ctx context.Context, location string) (gateway.Ledger, func() error, error) {
	db, err := database.Open(ctx, location, database.Options{})
	if err != nil {
		return nil, nil, err
	}
	s := &Simulator{options: Options{}.withDefaults(), book: &book{db: db}}
	s.handler = http.HandlerFunc(s.movements)
	return s.Gateway(ClientOptions{}), db.Close, nil
}

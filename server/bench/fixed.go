package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// fixedCommand is the hidden subcommand that serves one answer.
const fixedCommand = "fixed"

// serveFixed runs fixedMain in a process of its own.
func (b *bench) serveFixed(ctx context.Context, answer string, environment ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, "fixed", []string{self, fixedCommand, answer}, environment...)
}

// fixedMain is the whole server, but that GetOrder always gives the answer in a file, and CreateOrder what it was given.
func fixedMain(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("fixed FILE")
	}
	content, err := os.ReadFile(args[0]) //nolint:gosec // whoever measures names it
	if err != nil {
		return err
	}
	var answer ordersv1.GetOrderResponse
	if err := proto.Unmarshal(content, &answer); err != nil {
		return err
	}
	cfg, err := config.Load(nil)
	if err != nil {
		return err
	}
	return server.Serve(ctx, cfg, server.Options{
		Logger: slog.New(slog.NewJSONHandler(out, nil)),
		Orders: func(h ordersv1connect.OrderServiceHandler) ordersv1connect.OrderServiceHandler {
			return &fixed{h, &answer}
		},
	})
}

// fixed has one order, and stores none.
type fixed struct {
	ordersv1connect.OrderServiceHandler
	answer *ordersv1.GetOrderResponse
}

func (f *fixed) GetOrder(context.Context, *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	return f.answer, nil
}

func (f *fixed) CreateOrder(_ context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
	return &ordersv1.CreateOrderResponse{Order: req.GetOrder()}, nil
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

func newExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write every order and every return as JSON lines",
		Long: `Write every order, oldest first, and then every return, each as one line of JSON:
{"order":{…}} or {"return":{…}}, in the form of the API. Of one customer, the payments follow:
{"payment":{…}}.`,
		Example: `  orderprocessing export > orders.jsonl
  orderprocessing orders export --customer cus_1 --output cus_1.jsonl`,
		Args: cobra.NoArgs,
	}
	dial := addServer(cmd)
	output := cmd.Flags().String("output", "-", "file to write, - for standard output")
	customer := cmd.Flags().String("customer", "", "only what belongs to this customer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		c, err := dial()
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *output != "-" {
			file, err := os.Create(*output)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			out = file
		}
		stream, err := c.Orders.ExportOrders(cmd.Context(), &ordersv1.ExportOrdersRequest{CustomerId: *customer})
		if err != nil {
			return err
		}
		defer stream.Close()
		bar := newProgress(cmd.ErrOrStderr(), -1, "documents", false)
		lines := bufio.NewWriter(out)
		for stream.Receive() {
			n, err := writeBatch(lines, stream.Msg())
			if err != nil {
				return err
			}
			_ = bar.Add(n)
		}
		_ = bar.Finish()
		if err := stream.Err(); err != nil {
			return err
		}
		if *customer != "" {
			if err := writePayments(cmd.Context(), lines, c, *customer); err != nil {
				return err
			}
		}
		return lines.Flush()
	}
	return cmd
}

// writeBatch writes a line for each document and tells how many there were.
func writeBatch(w io.Writer, batch *ordersv1.ExportOrdersResponse) (int, error) {
	for _, o := range batch.GetOrders() {
		if err := writeLine(w, "order", o); err != nil {
			return 0, err
		}
	}
	for _, r := range batch.GetReturns() {
		if err := writeLine(w, "return", r); err != nil {
			return 0, err
		}
	}
	return len(batch.GetOrders()) + len(batch.GetReturns()), nil
}

// writePayments writes a line for each payment of a customer; none where there is no gateway.
func writePayments(ctx context.Context, w io.Writer, c *client.Client, customerID string) error {
	q := &paymentsv1.ListPaymentsRequest{PageSize: 200, Filter: &paymentsv1.PaymentFilter{CustomerId: customerID}}
	for {
		page, err := c.Payments.ListPayments(ctx, q)
		if connect.CodeOf(err) == connect.CodeUnimplemented {
			return nil
		}
		if err != nil {
			return err
		}
		for _, p := range page.GetPayments() {
			if err := writeLine(w, "payment", p); err != nil {
				return err
			}
		}
		if q.PageToken = page.GetNextPageToken(); q.PageToken == "" {
			return nil
		}
	}
}

func writeLine(w io.Writer, kind string, m proto.Message) error {
	text, err := protojson.Marshal(m)
	if err == nil {
		_, err = fmt.Fprintf(w, "{%q:%s}\n", kind, text)
	}
	return err
}

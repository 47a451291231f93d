package main

import (
	"fmt"

	"github.com/spf13/cobra"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func newOrders() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "orders",
		Short: "Export orders, and erase what is personal in them",
		Example: `  orderprocessing orders export --customer cus_1
  orderprocessing orders erase --customer cus_1`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newExport(), newErase())
	return cmd
}

func newErase() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase what is personal in all that is kept of a customer",
		Long: `Erase what is personal in all that is kept of a customer: who they are, where parcels went, what was
written. Orders, returns and payments stay, with their lines, amounts and times, as a guest's. The customer's
users and API keys are removed. It cannot be undone; export first. It takes an operator, and is refused while
an order or a return of the customer is on its way.`,
		Example: `  orderprocessing orders erase --customer cus_1`,
		Args:    cobra.NoArgs,
	}
	connect := addServer(cmd)
	asJSON := addJSON(cmd)
	customer := cmd.Flags().String("customer", "", "the customer")
	_ = cmd.MarkFlagRequired("customer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := connect()
		if err != nil {
			return err
		}
		erased, err := c.Orders.EraseCustomer(cmd.Context(), &ordersv1.EraseCustomerRequest{CustomerId: *customer})
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(out, map[string]int32{
				"orders": erased.GetOrders(), "payments": erased.GetPayments(), "returns": erased.GetReturns(),
				"users": erased.GetUsers(), "api_keys": erased.GetApiKeys(),
			})
		}
		_, err = fmt.Fprintf(out, "erased: %d orders, %d payments, %d returns, %d users, %d API keys\n",
			erased.GetOrders(), erased.GetPayments(), erased.GetReturns(), erased.GetUsers(), erased.GetApiKeys())
		return err
	}
	return cmd
}

package bbb_test

import (
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHandlerOptions: what makes no sense is told at once, and all of it.
func TestHandlerOptions(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	find, _ := twoTenants()
	for problem, opts := range map[string][]bbb.HandlerOption{
		"no secrets: give WithHandlerSecrets or WithHandlerTenants":     {},
		"WithHandlerSecrets and WithHandlerTenants are both given":      {bbb.WithHandlerTenants(find)},
		"WithHandlerSecrets: no secrets":                                {bbb.WithHandlerSecrets()},
		"WithHandlerSecrets: a secret is empty or has blanks around it": {bbb.WithHandlerSecrets(handlerSecret, " x")},
		"WithHandlerTenants: nil function":                              {bbb.WithHandlerTenants(nil)},
		"WithHandlerAlgorithms: no algorithms":                          {bbb.WithHandlerAlgorithms()},
		"WithHandlerAlgorithms: unknown algorithm 4":                    {bbb.WithHandlerAlgorithms(bbb.SHA512, 4)},
		"WithHandlerForms: no way of signing":                           {bbb.WithHandlerForms()},
		"WithHandlerForms: unknown way 2":                               {bbb.WithHandlerForms(2)},
		"WithHandlerBodyLimit: 0, need at least 1":                      {bbb.WithHandlerBodyLimit(0)},
		"WithHandlerURLLimit: 255, need at least 256":                   {bbb.WithHandlerURLLimit(255)},
		"WithHandlerParamLimit: 0, need at least 1":                     {bbb.WithHandlerParamLimit(0)},
		"WithHandlerTimeout: 0s, need a time over 0":                    {bbb.WithHandlerTimeout(0)},
		"WithHandlerFreshness: -1ns, need a time of 0 or more":          {bbb.WithHandlerFreshness(-1)},
		"WithHandlerLogger: nil logger":                                 {bbb.WithHandlerLogger(nil)},
		"WithHandlerObserver: nil function":                             {bbb.WithHandlerObserver(nil)},
		"nil option":                                                    {nil},
	} {
		if len(opts) > 0 {
			opts = append([]bbb.HandlerOption{bbb.WithHandlerSecrets(handlerSecret)}, opts...)
		}
		_, err := bbb.NewHandler(g, opts...)
		require.ErrorContains(t, noted(t, err), problem)
		assert.NotContains(t, err.Error(), handlerSecret)
	}
	_, err := bbb.NewHandler(nil, bbb.WithHandlerTimeout(-time.Second), nil)
	for _, problem := range []string{"bbb: handler: ", "nil group", "WithHandlerTimeout", "nil option", "no secrets"} {
		require.ErrorContains(t, err, problem)
	}
}

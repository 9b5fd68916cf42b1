package rediscache_test

import (
	"context"
	"fmt"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/rediscache"
	"github.com/redis/go-redis/v9"
)

// Every process of a service that has such a group knows where the meetings of the others
// are, and agrees with them on who creates one.
func Example() {
	cache, err := rediscache.Open("redis://127.0.0.1:6379/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = cache.Close() }()
	group, err := bbb.NewGroup("school", bbb.WithCache(cache))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = group.Close(context.Background()) }()
	fmt.Println(group.Name(), "has", group.Len(), "servers and", cache)
	// Output: school has 0 servers and rediscache(prefix "")
}

// A client of your own may be one of Sentinel or of a Cluster.
func ExampleNew() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		MasterName:            "bbb",
		Addrs:                 []string{"sentinel1.example.org:26379", "sentinel2.example.org:26379", "sentinel3.example.org:26379"},
		ContextTimeoutEnabled: true,
	})
	defer func() { _ = client.Close() }()
	cache, err := rediscache.New(client, rediscache.WithPrefix("staging:"))
	fmt.Println(cache, err)
	// Output: rediscache(prefix "staging:") <nil>
}

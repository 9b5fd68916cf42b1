// Package rediscache keeps what several processes with a [bbb.Group] of the same name
// share in Redis or Valkey: which server a meeting is on, who is creating which meeting,
// the lists of meetings, cookies, reports of machines and reservations. It is a
// [bbb.Cache] with all that a Cache may offer besides.
//
//	cache, err := rediscache.Open(os.Getenv("REDIS_URL"))
//	if err != nil {
//		return err
//	}
//	defer cache.Close()
//	group, err := bbb.NewGroup("school", bbb.WithCache(cache))
//
// [New] takes a client of go-redis, for Sentinel, a Cluster or settings of one's own:
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{
//		MasterName:            "bbb",
//		Addrs:                 []string{"sentinel1:26379", "sentinel2:26379", "sentinel3:26379"},
//		ContextTimeoutEnabled: true,
//	})
//	cache, err := rediscache.New(client)
//
// # When the server is not there
//
// An operation takes 400 ms at most ([WithTimeout]). After three in a row that found no
// server, operations fail at once for a second ([WithPause]); then one of them tries
// again. A group takes an error for an empty cache and asks the servers of BigBlueButton
// instead. It logs one line when that begins and one when it is over. No call fails for
// it, and none takes more than a second or so longer, the first ones; a server that
// refuses connections costs nearly nothing.
//
// What is lost is the agreement between the processes. As long as there is none, two of
// them that create the same meeting at the same moment may do so on two servers: each
// looks for it everywhere first, and neither finds it. A group notices
// such a split meeting at the next list and reports it. One that is created in two
// processes some seconds apart is found by the second one, as without a cache. Placement
// goes by what each process knows itself.
//
// A restart that loses all data costs no more than that: places are found by asking the
// servers, lists come with the next call, and cookies are set anew. What is lost with
// claims is that of a create whose outcome is unknown: a repetition that comes before
// the server has acted on the first one may then go to another server.
//
// # Running the server
//
// Redis since 6.2 or any Valkey will do, and very little of it: some hundred bytes for
// each meeting, kept for a day, and the list of each server.
//
//   - maxmemory-policy is to be noeviction, or volatile-ttl. With one that evicts what was
//     not used lately, such as allkeys-lru, claims disappear that are needed.
//
//   - Persistence is worth having for the claims, and an append-only file with appendfsync
//     everysec enough. Without any, a restart is a loss of data as described above.
//
//   - With replicas, a failover loses what the old master had not sent on, which is the
//     same for those entries. The master alone is to be read: do not set ReadOnly,
//     RouteByLatency or RouteRandomly, with which a claim is read that is over.
//
//   - In a Cluster every operation is about one key, and batches are cut by node.
//
//   - Passwords of meetings and cookies are stored in clear text. Give the database a
//     password, TLS (rediss://) unless it is on the same machine, and a user of its own:
//
//     ACL SETUSER bbb on >PASSWORD ~bbb:* +get +set +setnx +del +xadd +xrange +xrevrange +pexpire +persist +ping +hello
//
// go-redis writes of its own about connections to the standard error; redis.SetLogger
// changes that for the whole program.
package rediscache

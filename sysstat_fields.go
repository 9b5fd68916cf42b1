package bbb

// The tags named sadf are the names in the output of `sadf -j`; a second one is what
// the field is called when sadf was asked for less. See sadfScan.into.

// CPU is what the time of a CPU went into, in per cent of the interval. Together they
// are 100, but for rounding.
type CPU struct {
	// Name is "all" for all CPUs together, or the number of one.
	Name      string  `json:"cpu" sadf:"cpu"`
	User      float64 `json:"user" sadf:"usr,user"`     // programs, without Guest
	Nice      float64 `json:"nice" sadf:"nice"`         // programs of low priority, without GuestNice
	System    float64 `json:"system" sadf:"sys,system"` // the kernel, without IRQ and SoftIRQ
	IOWait    float64 `json:"iowait" sadf:"iowait"`     // idle while a disk was waited for
	Steal     float64 `json:"steal" sadf:"steal"`       // taken by the host of a virtual machine
	IRQ       float64 `json:"irq" sadf:"irq"`           // interrupts
	SoftIRQ   float64 `json:"softirq" sadf:"soft"`      // interrupts that were put off, such as the network's
	Guest     float64 `json:"guest" sadf:"guest"`       // virtual machines that run here
	GuestNice float64 `json:"guestNice" sadf:"gnice"`   // the same, of low priority
	Idle      float64 `json:"idle" sadf:"idle"`
}

// Busy returns what was not left for more work, in per cent from 0 to 100: all but
// idling and waiting for disks. What the host took away (steal) counts as busy: it is
// not ours to use.
func (c CPU) Busy() float64 { return min(max(100-c.Idle-c.IOWait, 0), 100) }

// IO is what went to and from all block devices, per second.
type IO struct {
	Transfers float64 `json:"tps" sadf:"tps"` // requests of the three kinds together
	Reads     float64 `json:"reads" sadf:"rtps"`
	Writes    float64 `json:"writes" sadf:"wtps"`
	Discards  float64 `json:"discards" sadf:"dtps"` // 0 before sysstat 12.1.2
	// The same in blocks of 512 bytes, as sar prints it.
	BlocksRead      float64 `json:"blocksRead" sadf:"bread"`
	BlocksWritten   float64 `json:"blocksWritten" sadf:"bwrtn"`
	BlocksDiscarded float64 `json:"blocksDiscarded" sadf:"bdscd"` // 0 before sysstat 12.1.2
}

// Memory is in kibibytes, as sar prints it, at the end of the interval. A field that
// the version of sysstat or the kernel does not know is 0.
type Memory struct {
	// Total is all that the kernel manages. sadf does not tell; it is what the other
	// fields leave as the only possibility.
	Total int64 `json:"total"`
	Free  int64 `json:"free" sadf:"memfree"` // used for nothing, not even for caches
	// Available is the kernel's estimate of what programs could get without swapping:
	// since sysstat 11.5.3 and Linux 3.14.
	Available int64 `json:"available" sadf:"avail"`
	// Used is what sar calls kbmemused: without caches, buffers and slabs since sysstat
	// 11.7.4 (and 11.6.4, 11.4.10), with them before. See [Memory.UsedPart].
	Used          int64   `json:"used" sadf:"memused"`
	UsedPercent   float64 `json:"usedPercent" sadf:"memused-percent"`  // Used, in per cent of Total
	Buffers       int64   `json:"buffers" sadf:"buffers"`              // the cache of block devices
	Cached        int64   `json:"cached" sadf:"cached"`                // the cache of files, with shared memory
	Commit        int64   `json:"commit" sadf:"commit"`                // what was promised to programs
	CommitPercent float64 `json:"commitPercent" sadf:"commit-percent"` // Commit, in per cent of Total and swap
	Active        int64   `json:"active" sadf:"active"`                // used lately
	Inactive      int64   `json:"inactive" sadf:"inactive"`            // not used lately
	Dirty         int64   `json:"dirty" sadf:"dirty"`                  // waits to be written to disk

	// These are since sysstat 11.1.3.
	Anonymous   int64 `json:"anonymous" sadf:"anonpg"` // of programs, not backed by files
	Slab        int64 `json:"slab" sadf:"slab"`        // the kernel's caches of its own structures
	KernelStack int64 `json:"kernelStack" sadf:"kstack"`
	PageTables  int64 `json:"pageTables" sadf:"pgtbl"`
	VMUsed      int64 `json:"vmUsed" sadf:"vmused"` // of the kernel's virtual addresses

	SwapFree          int64   `json:"swapFree" sadf:"swpfree"`
	SwapUsed          int64   `json:"swapUsed" sadf:"swpused"`
	SwapUsedPercent   float64 `json:"swapUsedPercent" sadf:"swpused-percent"`
	SwapCached        int64   `json:"swapCached" sadf:"swpcad"`                // in memory again, and still in swap
	SwapCachedPercent float64 `json:"swapCachedPercent" sadf:"swpcad-percent"` // of SwapUsed
}

// UsedPart returns the part of the memory that is in use, from 0 to 1, caches not
// counted. 0 is also not known; a nil Memory is not known.
//
// It is what is not Available. Where that is not known, all but the free memory, the
// buffers and the cache of files counts as used. That is too little where much memory
// is shared between programs, and too much where the kernel's own caches are big.
func (m *Memory) UsedPart() float64 {
	if m == nil || m.Total <= 0 {
		return 0
	}
	left := float64(m.Available)
	if m.Available <= 0 {
		left = float64(m.Free) + float64(m.Buffers) + float64(m.Cached)
	}
	return min(max(1-left/float64(m.Total), 0), 1)
}

// Kernel is how full some tables of the kernel are, at the end of the interval.
type Kernel struct {
	DentriesUnused int64 `json:"dentriesUnused" sadf:"dentunusd"` // of the directory cache
	Files          int64 `json:"files" sadf:"file-nr"`            // open file handles
	Inodes         int64 `json:"inodes" sadf:"inode-nr"`
	Terminals      int64 `json:"terminals" sadf:"pty-nr"` // pseudo-terminals
}

// Queue is the run queue and the load averages, at the end of the interval.
type Queue struct {
	RunQueue int     `json:"runQueue" sadf:"runq-sz"` // tasks that run or wait for a CPU
	Tasks    int     `json:"tasks" sadf:"plist-sz"`   // all of them
	Blocked  int     `json:"blocked" sadf:"blocked"`  // tasks that wait for a disk
	Load1    float64 `json:"load1" sadf:"ldavg-1"`    // the average over a minute
	Load5    float64 `json:"load5" sadf:"ldavg-5"`
	Load15   float64 `json:"load15" sadf:"ldavg-15"`
}

// Interface is the traffic of a network interface, and what went wrong in it, each per
// second.
type Interface struct {
	Name         string  `json:"name" sadf:"iface"`
	RxPackets    float64 `json:"rxPackets" sadf:"rxpck"`
	TxPackets    float64 `json:"txPackets" sadf:"txpck"`
	RxKiB        float64 `json:"rxKiB" sadf:"rxkB"` // kibibytes, which sar calls kB
	TxKiB        float64 `json:"txKiB" sadf:"txkB"`
	RxCompressed float64 `json:"rxCompressed" sadf:"rxcmp"` // packets
	TxCompressed float64 `json:"txCompressed" sadf:"txcmp"`
	RxMulticast  float64 `json:"rxMulticast" sadf:"rxmcst"` // packets
	// UtilPercent is how much of what the interface is able to do was used, in per cent.
	// 0 is also not known.
	UtilPercent float64 `json:"utilPercent" sadf:"ifutil-percent"`

	RxErrors   float64 `json:"rxErrors" sadf:"rxerr"` // bad packets
	TxErrors   float64 `json:"txErrors" sadf:"txerr"`
	Collisions float64 `json:"collisions" sadf:"coll"`
	RxDropped  float64 `json:"rxDropped" sadf:"rxdrop"` // packets for which there was no room
	TxDropped  float64 `json:"txDropped" sadf:"txdrop"`
	TxCarrier  float64 `json:"txCarrier" sadf:"txcarr"` // carrier errors
	RxFrame    float64 `json:"rxFrame" sadf:"rxfram"`   // alignment errors
	RxFIFO     float64 `json:"rxFIFO" sadf:"rxfifo"`    // overruns
	TxFIFO     float64 `json:"txFIFO" sadf:"txfifo"`
}

// Sockets is how many sockets of IPv4 there were at the end of the interval; Total is of
// all protocols.
type Sockets struct {
	Total       int `json:"total" sadf:"totsck"`
	TCP         int `json:"tcp" sadf:"tcpsck"`
	UDP         int `json:"udp" sadf:"udpsck"`
	Raw         int `json:"raw" sadf:"rawsck"`
	IPFragments int `json:"ipFragments" sadf:"ip-frag"` // that wait for the rest of them
	TCPTimeWait int `json:"tcpTimeWait" sadf:"tcp-tw"`
}

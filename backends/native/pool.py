"""The threads that execute a step's tasks together, in MLIR: no C compiler takes part.

A step's tasks are cut into chunks, four a thread, which the threads and their caller claim one by one. All claims go
through one word, CLAIM: the number of the step in its upper half, then how many chunks it has, then how many of them
are taken. A thread that comes late finds another number there, or all chunks taken, and touches nothing: only who
increments the word by compare-and-swap may read what the step is. A thread without work spins for some 50
microseconds, then sleeps until WAKE changes. Sleeping threads are never waited for: whatever they do not claim, the
caller does.
"""

CHUNKS_PER_THREAD = 4
SPINS = 3000
PATIENCE = 20000
FUTEX_WAIT, FUTEX_WAKE = 128, 129
"""The private forms: no other process takes part."""

CLAIM, DONE, WAKE, SLEEPERS, STOP = 0, 64, 128, 132, 136
STEP, TASKS, WEIGHTS, ARENA, ARGUMENTS, THREADS, HANDLES = 192, 200, 208, 216, 224, 256, 320
"""Where each field lies in the pool's memory; those that one thread spins on are 64 bytes from all others."""


def _at(name: str, offset: int) -> str:
    return f"{name} = llvm.getelementptr %pool[{offset}] : (!llvm.ptr) -> !llvm.ptr, i8"


POOL = f"""
llvm.func @pthread_create(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
llvm.func @pthread_join(i64, !llvm.ptr) -> i32
llvm.func @sched_yield() -> i32
llvm.func @syscall(i64, ...) -> i64
llvm.func @kpuc_relax()
llvm.func @kpuc_futex() -> i64

llvm.func internal @kpuc_futex_wait(%pool: !llvm.ptr, %seen: i32) {{
  {_at("%wake", WAKE)}
  %number = llvm.call @kpuc_futex() : () -> i64
  %wait = llvm.mlir.constant({FUTEX_WAIT} : i32) : i32
  %null = llvm.mlir.zero : !llvm.ptr
  %0 = llvm.call @syscall(%number, %wake, %wait, %seen, %null) vararg(!llvm.func<i64 (i64, ...)>)
      : (i64, !llvm.ptr, i32, i32, !llvm.ptr) -> i64
  llvm.return
}}

// Every thread that reads WAKE after this finds what was stored before it.
llvm.func internal @kpuc_futex_wake(%pool: !llvm.ptr) {{
  {_at("%wake", WAKE)}
  %one = llvm.mlir.constant(1 : i32) : i32
  %0 = llvm.atomicrmw add %wake, %one seq_cst : !llvm.ptr, i32
  %number = llvm.call @kpuc_futex() : () -> i64
  %all = llvm.mlir.constant({2**31 - 1} : i32) : i32
  %operation = llvm.mlir.constant({FUTEX_WAKE} : i32) : i32
  %1 = llvm.call @syscall(%number, %wake, %operation, %all) vararg(!llvm.func<i64 (i64, ...)>)
      : (i64, !llvm.ptr, i32, i32) -> i64
  llvm.return
}}

// Whether there is a chunk to claim, by the word.
llvm.func internal @kpuc_open(%word: i64) -> i1 {{
  %mask = llvm.mlir.constant({0xFFFF} : i64) : i64
  %sixteen = llvm.mlir.constant(16 : i64) : i64
  %taken = llvm.and %word, %mask : i64
  %upper = llvm.lshr %word, %sixteen : i64
  %chunks = llvm.and %upper, %mask : i64
  %open = llvm.icmp "ult" %taken, %chunks : i64
  llvm.return %open : i1
}}

// Claims and executes a chunk. False: there was none.
llvm.func internal @kpuc_execute(%pool: !llvm.ptr) -> i1 attributes {{no_inline}} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %mask = llvm.mlir.constant({0xFFFF} : i64) : i64
  %sixteen = llvm.mlir.constant(16 : i64) : i64
  %word = llvm.load %pool atomic acquire {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %open = llvm.call @kpuc_open(%word) : (i64) -> i1
  llvm.cond_br %open, ^claim, ^end(%open : i1)
^claim:
  %next = llvm.add %word, %one : i64
  %pair = llvm.cmpxchg %pool, %word, %next acq_rel monotonic {{alignment = 8 : i64}} : !llvm.ptr, i64
  %claimed = llvm.extractvalue %pair[1] : !llvm.struct<(i64, i1)>
  llvm.cond_br %claimed, ^execute, ^end(%open : i1)
^execute:
  %chunk = llvm.and %word, %mask : i64
  %after = llvm.and %next, %mask : i64
  %upper = llvm.lshr %word, %sixteen : i64
  %chunks = llvm.and %upper, %mask : i64
  {_at("%step_place", STEP)}
  {_at("%tasks_place", TASKS)}
  {_at("%weights_place", WEIGHTS)}
  {_at("%arena_place", ARENA)}
  {_at("%arguments_place", ARGUMENTS)}
  {_at("%done", DONE)}
  %step = llvm.load %step_place : !llvm.ptr -> !llvm.ptr
  %tasks = llvm.load %tasks_place {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %weights = llvm.load %weights_place : !llvm.ptr -> !llvm.ptr
  %arena = llvm.load %arena_place : !llvm.ptr -> !llvm.ptr
  %arguments = llvm.load %arguments_place : !llvm.ptr -> !llvm.ptr
  %lo_scaled = llvm.mul %tasks, %chunk : i64
  %lo = llvm.udiv %lo_scaled, %chunks : i64
  %hi_scaled = llvm.mul %tasks, %after : i64
  %hi = llvm.udiv %hi_scaled, %chunks : i64
  llvm.call %step(%weights, %arena, %arguments, %lo, %hi)
      : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
  %increment = llvm.mlir.constant(1 : i32) : i32
  %0 = llvm.atomicrmw add %done, %increment acq_rel : !llvm.ptr, i32
  llvm.br ^end(%open : i1)
^end(%found: i1):
  llvm.return %found : i1
}}

llvm.func internal @kpuc_worker(%pool: !llvm.ptr) -> !llvm.ptr {{
  %zero = llvm.mlir.constant(0 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  %spins = llvm.mlir.constant({SPINS} : i32) : i32
  {_at("%wake", WAKE)}
  {_at("%sleepers", SLEEPERS)}
  {_at("%stop", STOP)}
  llvm.br ^look(%zero : i32)
^look(%idle: i32):
  %found = llvm.call @kpuc_execute(%pool) : (!llvm.ptr) -> i1
  llvm.cond_br %found, ^look(%zero : i32), ^spin
^spin:
  llvm.call @kpuc_relax() : () -> ()
  %more = llvm.add %idle, %one : i32
  %patient = llvm.icmp "ult" %more, %spins : i32
  llvm.cond_br %patient, ^look(%more : i32), ^tired
^tired:
  %seen = llvm.load %wake atomic seq_cst {{alignment = 4 : i64}} : !llvm.ptr -> i32
  %stopped = llvm.load %stop atomic acquire {{alignment = 4 : i64}} : !llvm.ptr -> i32
  %running = llvm.icmp "eq" %stopped, %zero : i32
  llvm.cond_br %running, ^register, ^end
^register:
  %0 = llvm.atomicrmw add %sleepers, %one seq_cst : !llvm.ptr, i32
  %word = llvm.load %pool atomic seq_cst {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %open = llvm.call @kpuc_open(%word) : (i64) -> i1
  llvm.cond_br %open, ^awake, ^sleep
^sleep:
  llvm.call @kpuc_futex_wait(%pool, %seen) : (!llvm.ptr, i32) -> ()
  llvm.br ^awake
^awake:
  %1 = llvm.atomicrmw sub %sleepers, %one seq_cst : !llvm.ptr, i32
  llvm.br ^look(%zero : i32)
^end:
  %null = llvm.mlir.zero : !llvm.ptr
  llvm.return %null : !llvm.ptr
}}

// Executes all tasks of a step, in this thread alone if there is no pool.
llvm.func internal @kpuc_parallel(%pool: !llvm.ptr, %step: !llvm.ptr, %tasks: i64, %weights: !llvm.ptr,
                                  %arena: !llvm.ptr, %arguments: !llvm.ptr) attributes {{no_inline}} {{
  %none = llvm.mlir.constant(0 : i64) : i64
  %null = llvm.mlir.zero : !llvm.ptr
  %alone = llvm.icmp "eq" %pool, %null : !llvm.ptr
  llvm.cond_br %alone, ^alone, ^together
^alone:
  llvm.call %step(%weights, %arena, %arguments, %none, %tasks)
      : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
  llvm.return
^together:
  %zero = llvm.mlir.constant(0 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  {_at("%step_place", STEP)}
  {_at("%tasks_place", TASKS)}
  {_at("%weights_place", WEIGHTS)}
  {_at("%arena_place", ARENA)}
  {_at("%arguments_place", ARGUMENTS)}
  {_at("%threads_place", THREADS)}
  {_at("%done", DONE)}
  {_at("%sleepers", SLEEPERS)}
  llvm.store %step, %step_place : !llvm.ptr, !llvm.ptr
  llvm.store %tasks, %tasks_place {{alignment = 8 : i64}} : i64, !llvm.ptr
  llvm.store %weights, %weights_place : !llvm.ptr, !llvm.ptr
  llvm.store %arena, %arena_place : !llvm.ptr, !llvm.ptr
  llvm.store %arguments, %arguments_place : !llvm.ptr, !llvm.ptr
  llvm.store %zero, %done atomic monotonic {{alignment = 4 : i64}} : i32, !llvm.ptr
  %threads = llvm.load %threads_place {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %factor = llvm.mlir.constant({CHUNKS_PER_THREAD} : i64) : i64
  %most = llvm.mul %threads, %factor : i64
  %chunks = llvm.intr.umin(%tasks, %most) : (i64, i64) -> i64
  %thirty_two = llvm.mlir.constant(32 : i64) : i64
  %sixteen = llvm.mlir.constant(16 : i64) : i64
  %unit = llvm.mlir.constant(1 : i64) : i64
  %last = llvm.load %pool atomic monotonic {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %number = llvm.lshr %last, %thirty_two : i64
  %following = llvm.add %number, %unit : i64
  %upper = llvm.shl %following, %thirty_two : i64
  %lower = llvm.shl %chunks, %sixteen : i64
  %word = llvm.or %upper, %lower : i64
  llvm.store %word, %pool atomic seq_cst {{alignment = 8 : i64}} : i64, !llvm.ptr
  %asleep = llvm.load %sleepers atomic seq_cst {{alignment = 4 : i64}} : !llvm.ptr -> i32
  %all_awake = llvm.icmp "eq" %asleep, %zero : i32
  llvm.cond_br %all_awake, ^work, ^wake
^wake:
  llvm.call @kpuc_futex_wake(%pool) : (!llvm.ptr) -> ()
  llvm.br ^work
^work:
  %found = llvm.call @kpuc_execute(%pool) : (!llvm.ptr) -> i1
  %count = llvm.trunc %chunks : i64 to i32
  llvm.cond_br %found, ^work, ^check(%zero : i32)
^check(%spun: i32):
  %finished = llvm.load %done atomic acquire {{alignment = 4 : i64}} : !llvm.ptr -> i32
  %complete = llvm.icmp "eq" %finished, %count : i32
  llvm.cond_br %complete, ^end, ^wait
^wait:
  llvm.call @kpuc_relax() : () -> ()
  %patience = llvm.mlir.constant({PATIENCE} : i32) : i32
  %more = llvm.add %spun, %one : i32
  %patient = llvm.icmp "ult" %more, %patience : i32
  llvm.cond_br %patient, ^check(%more : i32), ^yield
^yield:
  %0 = llvm.call @sched_yield() : () -> i32
  llvm.br ^check(%patience : i32)
^end:
  llvm.return
}}

llvm.func @kpuc_pool_create(%pool: !llvm.ptr, %threads: i64) -> i64 {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %zero = llvm.mlir.constant(0 : i32) : i32
  %null = llvm.mlir.zero : !llvm.ptr
  %worker = llvm.mlir.addressof @kpuc_worker : !llvm.ptr
  {_at("%handles", HANDLES)}
  {_at("%threads_place", THREADS)}
  llvm.br ^next(%one : i64)
^next(%made: i64):
  %wanted = llvm.icmp "ult" %made, %threads : i64
  llvm.cond_br %wanted, ^create, ^end(%made : i64)
^create:
  %number = llvm.sub %made, %one : i64
  %handle = llvm.getelementptr %handles[%number] : (!llvm.ptr, i64) -> !llvm.ptr, i64
  %code = llvm.call @pthread_create(%handle, %null, %worker, %pool)
      : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  %good = llvm.icmp "eq" %code, %zero : i32
  %more = llvm.add %made, %one : i64
  llvm.cond_br %good, ^next(%more : i64), ^end(%made : i64)
^end(%count: i64):
  llvm.store %count, %threads_place {{alignment = 8 : i64}} : i64, !llvm.ptr
  llvm.return %count : i64
}}

llvm.func @kpuc_pool_destroy(%pool: !llvm.ptr) {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %yes = llvm.mlir.constant(1 : i32) : i32
  %null = llvm.mlir.zero : !llvm.ptr
  {_at("%handles", HANDLES)}
  {_at("%threads_place", THREADS)}
  {_at("%stop", STOP)}
  llvm.store %yes, %stop atomic release {{alignment = 4 : i64}} : i32, !llvm.ptr
  llvm.call @kpuc_futex_wake(%pool) : (!llvm.ptr) -> ()
  %threads = llvm.load %threads_place {{alignment = 8 : i64}} : !llvm.ptr -> i64
  llvm.br ^next(%one : i64)
^next(%joined: i64):
  %left = llvm.icmp "ult" %joined, %threads : i64
  llvm.cond_br %left, ^join, ^end
^join:
  %number = llvm.sub %joined, %one : i64
  %place = llvm.getelementptr %handles[%number] : (!llvm.ptr, i64) -> !llvm.ptr, i64
  %handle = llvm.load %place {{alignment = 8 : i64}} : !llvm.ptr -> i64
  %0 = llvm.call @pthread_join(%handle, %null) : (i64, !llvm.ptr) -> i32
  %more = llvm.add %joined, %one : i64
  llvm.br ^next(%more : i64)
^end:
  llvm.return
}}
"""

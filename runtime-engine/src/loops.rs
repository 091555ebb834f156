//! The threads that events are served on: one event loop each, and no task moves from one to another.
//!
//! Not tokio's scheduler of many threads: most work is a short call or goes to the pool, so there is nothing to steal,
//! and a hand-over costs more than it brings. Left out, it also spares every start its share of pages, and the
//! mathematics library that it alone would pull in: 60 µs.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::{Builder, Handle, Runtime};

/// Event loops, the first of which is the calling thread's, and one pool for them all.
pub(crate) struct Loops {
    own: Runtime,
    all: Vec<Handle>,
    next: AtomicUsize,
}

impl Loops {
    /// As many loops as there are processors, but not more than `work`; blocking calls get up to `pool` threads.
    ///
    /// # Errors
    /// If the system gives no descriptors. Fewer threads than wanted are none.
    pub(crate) fn start(work: usize, pool: usize) -> io::Result<Loops> {
        let own = Builder::new_current_thread()
            // The list of events of one look is memory that every start pays for.
            .max_io_events_per_tick(if work > 1 { 1024 } else { 16 })
            .max_blocking_threads(pool.max(1))
            .thread_name("faas-pool")
            .enable_all()
            .build()?;
        let mut all = vec![own.handle().clone()];
        let count = if work > 1 { std::thread::available_parallelism().map_or(1, usize::from).min(work) } else { 1 };
        for number in 1..count {
            let other = Builder::new_current_thread().enable_all().build()?;
            let handle = other.handle().clone();
            let turn = move || other.block_on(std::future::pending::<()>());
            if std::thread::Builder::new().name(format!("faas-loop-{number}")).spawn(turn).is_ok() {
                all.push(handle);
            }
        }
        Ok(Loops { own, all, next: AtomicUsize::new(0) })
    }

    /// Runs a future on this thread, and with it whatever is given to this thread's loop.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.own.block_on(future)
    }

    /// One loop after the other, to give tasks to.
    pub(crate) fn pick(&self) -> &Handle {
        &self.all[self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()]
    }

    /// The calling thread's own loop.
    pub(crate) fn first(&self) -> &Handle {
        &self.all[0]
    }

    /// Where blocking calls go.
    pub(crate) fn pool(&self) -> Handle {
        self.own.handle().clone()
    }

    /// The process is about to leave: nobody waits for threads in functions that do not end.
    pub(crate) fn abandon(self) {
        self.own.shutdown_background();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_on_loops_in_turn_and_blocking_calls_on_one_pool() {
        let loops = Loops::start(2, 1).unwrap();
        let pool = loops.pool();
        let tasks: Vec<_> = (0..4)
            .map(|number| {
                let pool = pool.clone();
                loops.pick().spawn(async move { pool.spawn_blocking(move || number * 2).await })
            })
            .collect();
        let results = loops.block_on(async {
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await.unwrap().unwrap());
            }
            results
        });
        assert_eq!(results, [0, 2, 4, 6]);
        loops.abandon();
    }

    #[test]
    fn one_thing_at_a_time_needs_one_loop() {
        let loops = Loops::start(1, 1).unwrap();
        assert_eq!(loops.all.len(), 1);
    }
}

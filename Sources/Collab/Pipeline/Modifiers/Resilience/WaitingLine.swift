/// Those who wait, by the run that they belong to: runs take turns, and within a run it is first come, first served.
///
/// A run that asks ten thousand things at once thus holds up another run's question by one turn, not by ten thousand.
/// Calls outside of runs count as one run.
struct WaitingLine<Waiter> {
    private struct Queue {
        let run: ObjectIdentifier?
        var waiting: ArraySlice<(id: Int, waiter: Waiter)>
    }

    /// In the order of their next turns; none is empty.
    private var queues: ArraySlice<Queue> = []
    private(set) var count = 0

    var isEmpty: Bool { queues.isEmpty }

    mutating func append(_ waiter: Waiter, id: Int, of run: ObjectIdentifier?) {
        count += 1
        if let index = queues.firstIndex(where: { $0.run == run }) {
            queues[index].waiting.append((id, waiter))
        } else {
            queues.append(Queue(run: run, waiting: [(id, waiter)]))
        }
    }

    /// Takes out who is next; that run's turn comes again after those of all others.
    mutating func popFirst() -> Waiter? {
        guard var queue = queues.popFirst(), let first = queue.waiting.popFirst() else { return nil }
        count -= 1
        if !queue.waiting.isEmpty { queues.append(queue) }
        return first.waiter
    }

    /// Takes out somebody who waits no longer.
    mutating func remove(id: Int) -> Waiter? {
        for index in queues.indices {
            guard let place = queues[index].waiting.firstIndex(where: { $0.id == id }) else { continue }
            count -= 1
            let waiter = queues[index].waiting.remove(at: place).waiter
            if queues[index].waiting.isEmpty { queues.remove(at: index) }
            return waiter
        }
        return nil
    }
}

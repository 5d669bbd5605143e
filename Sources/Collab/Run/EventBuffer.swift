/// A bounded queue between one producer task and one consumer task.
///
/// Text waits when the queue is full (back-pressure). Events never wait, since they come from places that cannot
/// suspend: when several times the capacity is waiting, they are refused.
package final class EventBuffer<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var head = 0
        var isFinished = false
        var failure: CollabError?
        var consumer: CheckedContinuation<Void, Never>?
        var producers: [CheckedContinuation<Void, Never>] = []

        var count: Int { elements.count - head }
    }

    private let state = Protected(State())
    private let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// Adds an element; waits while the queue is full and has a reader.
    package func send(_ element: Element) async {
        offer(element)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    guard state.count >= capacity, !state.isFinished, !Task.isCancelled else { return false }
                    state.producers.append(continuation)
                    return true
                }
                if !isFull { continuation.resume() }
            }
        } onCancel: {
            releaseProducers()
        }
    }

    /// Adds an element without waiting; dropped once the queue is finished.
    package func offer(_ element: Element) {
        let consumer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isFinished else { return nil }
            state.elements.append(element)
            defer { state.consumer = nil }
            return state.consumer
        }
        consumer?.resume()
    }

    /// Adds an element without waiting, unless four times the capacity is waiting already.
    package func offerIfRoom(_ element: Element) -> Bool {
        if state.withLock({ $0.count >= 4 * capacity }) { return false }
        offer(element)
        return true
    }

    /// Marks the end; elements already there are still delivered.
    package func finish(_ failure: CollabError?) {
        let consumer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isFinished else { return nil }
            state.isFinished = true
            state.failure = failure
            defer { state.consumer = nil }
            return state.consumer
        }
        consumer?.resume()
        releaseProducers()
    }

    /// The reader has left: nothing more is kept.
    package func abandon() {
        state.withLock { state in
            state.isFinished = true
            state.elements = []
            state.head = 0
        }
        releaseProducers()
    }

    /// The next element, in order; `nil` at the end. `onCancel` runs if the waiting task is cancelled.
    package func next(onCancel: @escaping @Sendable () -> Void) async throws(CollabError) -> Element? {
        while true {
            let taken = state.withLock { state -> (element: Element?, isEnd: Bool, failure: CollabError?) in
                if state.head < state.elements.count {
                    let element = state.elements[state.head]
                    state.head += 1
                    if state.head == state.elements.count || state.head > 1024 {
                        state.elements.removeFirst(state.head)
                        state.head = 0
                    }
                    return (element, false, nil)
                }
                defer { if state.isFinished { state.failure = nil } }
                return (nil, state.isFinished, state.failure)
            }
            if let element = taken.element {
                releaseProducers()
                return element
            }
            if let failure = taken.failure { throw failure }
            if taken.isEnd { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if state.count > 0 || state.isFinished { return true }
                        state.consumer = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                // The producer sees the cancellation, stops, and finishes the queue, which wakes this task.
                onCancel()
            }
        }
    }

    private func releaseProducers() {
        let producers = state.withLock { state in
            defer { state.producers = [] }
            return state.producers
        }
        for producer in producers { producer.resume() }
    }
}

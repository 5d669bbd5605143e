import Testing

@testable import CollabMerging

@Suite("The tensors that are merged at the same time")
struct MergeQueueTests {
    @Test("are the first that there is memory for")
    func order() {
        var queue = MergeQueue([60, 50, 40, 0, 0], limit: 100)
        #expect(queue.take() == 0)
        // 50 more would be too much.
        #expect(queue.take() == 2)
        #expect(queue.take() == 3)
        queue.finish(0)
        #expect(queue.take() == 1)
        #expect(queue.take() == 4)
        #expect(queue.take() == nil)
    }

    @Test("are one alone where it takes more than the limit, and what takes nothing")
    func alone() {
        var queue = MergeQueue([500, 300, 0], limit: 100)
        #expect(queue.take() == 0)
        #expect(queue.take() == 2)
        #expect(queue.take() == nil, "the second waits for the first")
        queue.finish(2)
        #expect(queue.take() == nil)
        queue.finish(0)
        #expect(queue.take() == 1)
        #expect(queue.take() == nil)
    }
}

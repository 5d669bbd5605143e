import Collab
import Dispatch
import Foundation
import Testing

@testable import CollabBackends

@Suite("Engines share the cores")
struct ComputeShareTests {
    private func job(_ engine: NativeEngine) -> EngineJob {
        EngineJob(sequence: KeyValueSequence(pool: engine.keyValues), previousCount: 0, readout: Readout())
    }

    /// How many workers something that asks for so many would have now.
    private func workers(_ threads: Int, of share: ComputeShare) -> Int {
        var result = 0
        share.run(of: threads) { result = $0 }
        return result
    }

    @Test("from when they are asked until they have nothing left to do")
    func demand() async throws {
        let engine = try await TinyModels.model(try TinyModels.checkpoint("llama")).engine
        let share = ComputeShare(cores: 8)
        #expect(workers(8, of: share) == 8)
        let queues = (0..<3).map { _ in JobQueue(sharing: share) }
        for (asked, queue) in queues.enumerated() {
            // A second job of one engine asks for no more cores.
            for _ in 0..<2 { queue.submit(job(engine)) }
            #expect(workers(8, of: share) == 8 / (asked + 2))
        }
        let others = (0..<8).map { _ in ComputeShare.Claim(on: share) }
        for other in others { other.join() }
        #expect(workers(8, of: share) == 1, "everybody gets one")
        for other in others { other.leave() }
        // Having taken its jobs an engine is busy with them, until it comes for more and there are none.
        #expect(queues[0].takeWhenReady()?.count == 2)
        #expect(workers(8, of: share) == 2)
        for queue in queues { queue.close() }
        #expect(queues[0].takeWhenReady() == nil)
        #expect(workers(8, of: share) == 2)
        for queue in queues.dropFirst() {
            #expect(queue.takeWhenReady()?.count == 2)
            #expect(queue.takeWhenReady() == nil)
        }
        #expect(workers(8, of: share) == 8)
    }

    @Test("but not between two steps, when nobody knows whether another comes")
    func betweenSteps() {
        let share = ComputeShare(cores: 2)
        let claims = (0..<2).map { _ in ComputeShare.Claim(on: share) }
        for claim in claims { claim.join() }
        var workers: [Int] = []
        for claim in [claims[0], claims[1], claims[0]] {
            claim.compute(upTo: 2, expecting: 1_000_000) { workers.append($0) }
        }
        #expect(workers == [1, 2, 2])
        for claim in claims { claim.leave() }
    }

    @Test("and the one that has waited, and that nobody waits behind, takes all cores as they become free")
    func wave() async throws {
        let share = ComputeShare(cores: 2)
        let order = Protected<[String]>([])
        let gates = (0..<2).map { _ in DispatchSemaphore(value: 0) }
        let (begun, end) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let claims = (0..<3).map { _ in ComputeShare.Claim(on: share) }
        for claim in claims { claim.join() }
        for (claim, gate) in zip(claims, gates) {
            Thread.detachNewThread {
                claim.compute(upTo: 2, expecting: 600_000_000_000) { workers in
                    order.withLock { $0.append("first: \(workers)") }
                    begun.signal()
                    gate.wait()
                }
                end.signal()
            }
        }
        await Self.wait(for: begun, begun)
        Thread.detachNewThread {
            // It waits a quarter of a step for the second core: long enough for the slowest machine.
            claims[2].compute(upTo: 2, expecting: 4_000_000_000_000) { workers in
                order.withLock { $0.append("then: \(workers)") }
            }
            end.signal()
        }
        while share.waiting == 0 { await Task.yield() }
        for gate in gates { gate.signal() }
        await Self.wait(for: end, end, end)
        #expect(order.withLock { $0 } == ["first: 1", "first: 1", "then: 2"])
        for claim in claims { claim.leave() }
    }

    @Test(
        "and one that comes when a step is about to end waits for that core too, but not for one whose step has just begun"
    )
    func nextCore() async throws {
        for (expected, workers) in [(600_000_000_000, 2), (40_000_000_000_000, 1)] {
            let share = ComputeShare(cores: 2)
            let claims = (0..<2).map { _ in ComputeShare.Claim(on: share) }
            for claim in claims { claim.join() }
            let found = Protected<[Int]>([])
            let (gate, begun, end) = (
                DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
            )
            Thread.detachNewThread {
                claims[0].compute(upTo: 2, expecting: expected) { _ in
                    begun.signal()
                    gate.wait()
                }
                end.signal()
            }
            await Self.wait(for: begun)
            Thread.detachNewThread {
                claims[1].compute(upTo: 2, expecting: 4_000_000_000_000) { count in
                    found.withLock { $0.append(count) }
                }
                end.signal()
            }
            // Either it waits, or it has begun beside the other.
            while share.waiting == 0, found.withLock(\.isEmpty) { await Task.yield() }
            gate.signal()
            await Self.wait(for: end, end)
            #expect(found.withLock { $0 } == [workers])
            for claim in claims { claim.leave() }
        }
    }

    @Test("and one that has been announced counts, though its job has yet to come")
    func announced() async throws {
        let engine = try await TinyModels.model(try TinyModels.checkpoint("llama")).engine
        let share = ComputeShare(cores: 4)
        let queue = JobQueue(sharing: share)
        queue.announce()
        #expect(workers(4, of: share) == 2)
        queue.submit(job(engine))
        #expect(workers(4, of: share) == 2)
        // The engine's thread comes for the job, and for more; only then is the announcement taken back.
        #expect(queue.takeWhenReady()?.count == 1)
        queue.withdraw()
        queue.close()
        #expect(queue.takeWhenReady() == nil)
        #expect(workers(4, of: share) == 4)
    }

    @Test("and announcements that come to nothing leave the cores to others")
    func announcedInVain() async throws {
        let share = ComputeShare(cores: 4)
        let queue = JobQueue(sharing: share)
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            #expect(queue.takeWhenReady() == nil)
            end.signal()
        }
        while !queue.isParked { await Task.yield() }
        for _ in 0..<2 { queue.announce() }
        #expect(workers(4, of: share) == 2)
        queue.withdraw()
        #expect(workers(4, of: share) == 2)
        queue.withdraw()
        #expect(workers(4, of: share) == 4)
        queue.close()
        await Self.wait(for: end)
    }

    @Test("and one of short steps does not starve beside ones of long")
    func patience() async throws {
        let share = ComputeShare(cores: 1)
        let claims = (0..<2).map { _ in ComputeShare.Claim(on: share) }
        for claim in claims { claim.join() }
        let gate = DispatchSemaphore(value: 0)
        let (begun, end) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            claims[0].compute(upTo: 1, expecting: 0) { _ in
                begun.signal()
                gate.wait()
            }
            end.signal()
        }
        await Self.wait(for: begun)
        let isOver = Protected(false)
        Thread.detachNewThread {
            claims[1].compute(upTo: 1, expecting: 1_000_000) { _ in isOver.withLock { $0 = true } }
            end.signal()
        }
        await Self.wait(for: end)
        #expect(isOver.withLock { $0 })
        gate.signal()
        await Self.wait(for: end)
        for claim in claims { claim.leave() }
    }

    /// Waits on a thread of its own: the pool's are for tasks.
    private static func wait(for events: DispatchSemaphore...) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                for event in events { event.wait() }
                continuation.resume()
            }
        }
    }
}

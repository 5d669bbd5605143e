import Collab
import Testing

@testable import CollabBackends

@Suite("Engines share the cores")
struct ComputeShareTests {
    private func job(_ engine: NativeEngine) -> EngineJob {
        EngineJob(sequence: KeyValueSequence(pool: engine.keyValues), previousCount: 0, readout: Readout())
    }

    @Test("from when they are asked until they have nothing left to do")
    func demand() async throws {
        let engine = try await TinyModels.model(try TinyModels.checkpoint("llama")).engine
        let share = ComputeShare()
        #expect(share.workers(of: 8) == 8)
        let queues = (0..<3).map { _ in JobQueue(sharing: share) }
        for (asked, queue) in queues.enumerated() {
            // A second job of one engine asks for no more cores.
            for _ in 0..<2 { queue.submit(job(engine)) }
            #expect(share.workers(of: 8) == 8 / (asked + 1))
        }
        #expect(share.workers(of: 2) == 1, "everybody gets one")
        // Having taken its jobs an engine is busy with them, until it comes for more and there are none.
        #expect(queues[0].takeWhenReady()?.count == 2)
        #expect(share.workers(of: 8) == 2)
        for queue in queues { queue.close() }
        #expect(queues[0].takeWhenReady() == nil)
        #expect(share.workers(of: 8) == 4)
        for queue in queues.dropFirst() {
            #expect(queue.takeWhenReady()?.count == 2)
            #expect(queue.takeWhenReady() == nil)
        }
        #expect(share.workers(of: 8) == 8)
    }
}

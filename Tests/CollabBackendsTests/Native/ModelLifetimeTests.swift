import Collab
import Testing

@testable import CollabBackends

@Suite struct ModelLifetimeTests {
    @Test func aModelThatIsLetGoLeavesNoKeysAndValuesBehind() async throws {
        weak var pool: KeyValuePool?
        do {
            let options = NativeOptions(threads: 1)
            let model = try await NativeModel(contentsOf: RealModel.smolLM2.path, options: options)
            let tokens = (0..<20).map { TokenID(300 + $0) }
            _ = try await model.startDecoding(reading: tokens)
            #expect(model.engine.keyValues.sequence(beginning: tokens, under: nil) != nil)
            pool = model.engine.keyValues
        }
        // The engine's thread lets go of them when it ends.
        for _ in 0..<1000 where pool != nil { try await Task.sleep(for: .milliseconds(5)) }
        #expect(pool == nil)
    }
}

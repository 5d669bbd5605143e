import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Roles of one model cost one pass over the weights a token, not one each.
@Suite("The steps of an engine under a fusion of roles")
struct RoleStepTests {
    private static let beginning: [TokenID] = (0..<40).map { 3 + $0 * 7 % 70 }

    @Test(
        "two roles of one model that begin alike are one step a token, and their beginning is read once",
        // Roles that asked one after the other would never both wait.
        .timeLimit(.minutes(10))
    )
    func oneStepAToken() async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint("llama"))
        let steps = StepCounter()
        let roles = [[5, 6], [7, 8, 9]].map { ending in
            WatchedRole(base: model, prompt: Self.beginning + ending, steps: steps)
        }
        let fused = FusedModel(nil, .productOfExperts, members: roles)
        let start = try await fused.startDecoding("-")
        let read = model.engine.rowsComputed.withLock { $0 }
        #expect(read == Self.beginning.count + 2 + 3)
        let prompts = steps.count
        for token in 0..<8 {
            // The engine is held by another text until both roles have asked, whatever else the machine does.
            let hold = Hold()
            let other = model.makeNativeDecoder()
            async let held = other.run([TokenID(50 + token)], Readout(), probe: hold.probe)
            await hold.hasBegun()
            async let row = start.decoder.append([TokenID(10 + token)], logits: .last)
            while model.engine.waitingJobs < 2 { await Task.yield() }
            hold.release()
            _ = try await (held, row)
        }
        #expect(steps.count - prompts == 8)
        #expect(model.engine.rowsComputed.withLock { $0 } - read == 8 * (2 + 1))
    }
}

/// Counts the steps that rows of watched texts take part in.
private final class StepCounter: Sendable {
    private let state = Protected((steps: 0, isInFirstLayer: false))

    var count: Int { state.withLock { $0.steps } }

    /// All rows of a step pass the first layer before any of them enters the second.
    var probe: ActivationProbe {
        ActivationProbe { [state] layer, tensor, _, _ in
            guard tensor == .query else { return }
            state.withLock { state in
                if layer == 0, !state.isInFirstLayer { state.steps += 1 }
                state.isInFirstLayer = layer == 0
            }
        }
    }
}

/// Keeps the engine's thread in a step until it is released.
private final class Hold: Sendable {
    private let begun = AsyncStream.makeStream(of: Void.self)
    private let gate = DispatchSemaphore(value: 0)

    var probe: ActivationProbe {
        ActivationProbe { [begun, gate] layer, tensor, _, _ in
            guard layer == 0, tensor == .query else { return }
            begun.continuation.yield()
            gate.wait()
        }
    }

    func hasBegun() async { for await _ in begun.stream { break } }
    func release() { gate.signal() }
}

/// A native model behind a prompt of its own, whose steps are counted once it has read it.
private struct WatchedRole: LogitModel {
    var base: NativeModel
    var prompt: [TokenID]
    var steps: StepCounter

    var name: String { "role \(prompt.count)" }
    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { prompt }
    func makeDecoder() async throws(CollabError) -> any Collab.Decoder {
        WatchedDecoder(base: base.makeNativeDecoder(), steps: steps)
    }
    func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        var start = try await base.startDecoding(reading: prompt)
        if let decoder = start.decoder as? NativeDecoder {
            start.decoder = WatchedDecoder(base: decoder, steps: steps)
        }
        return start
    }
}

private final class WatchedDecoder: Collab.Decoder {
    private let base: NativeDecoder
    private let steps: StepCounter

    init(base: NativeDecoder, steps: StepCounter) {
        self.base = base
        self.steps = steps
    }

    var position: Int { base.position }
    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let end = position + tokens.count
        let readout = Readout(kind: .logits, positions: end - 1..<end)
        guard case .logits(let rows) = try await base.run(tokens, readout, probe: steps.probe) else {
            return []
        }
        return rows
    }
    func truncate(to count: Int) async throws(CollabError) { try await base.truncate(to: count) }
    func fork() async throws(CollabError) -> any Collab.Decoder {
        WatchedDecoder(base: try base.makeFork(), steps: steps)
    }
}

import Collab
import CollabBackends
import Testing

/// Bad input to a decoder is an error, and the decoder stays as it was.
@Suite struct DecoderFailureTests {
    @Test func moreThanTheContextHolds() async throws {
        let options = NativeOptions(threads: 1, contextLength: 20)
        let native = try await NativeModel(contentsOf: RealModel.smolLM2.path, options: options)
        #expect(native.contextLength == 20)
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append(Array(repeating: 300, count: 18), logits: .none)
        await #expect { try await decoder.append([1, 2, 3], logits: .last) } throws: { error in
            (error as? CollabError)?.code == .contextOverflow && "\(error)".contains("20")
        }
        #expect(decoder.position == 18)
        _ = try await decoder.append([1, 2], logits: .last)
        #expect(decoder.position == 20)
        await #expect { try await decoder.append([1], logits: .last) } throws: { error in
            (error as? CollabError)?.code == .contextOverflow
        }
    }

    @Test(arguments: [[], [-1], [49_152], [5, 6, .max]])
    func tokensThatAreNone(tokens: [TokenID]) async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append([7, 8], logits: .none)
        await #expect { try await decoder.append(tokens, logits: .last) } throws: { error in
            (error as? CollabError)?.code == .invalidRequest
        }
        #expect(decoder.position == 2)
    }

    @Test(arguments: [-1, 3])
    func truncatingToWhatHasNotBeenRead(count: Int) async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append([7, 8], logits: .none)
        await #expect { try await decoder.truncate(to: count) } throws: { error in
            (error as? CollabError)?.code == .invalidRequest
        }
        #expect(decoder.position == 2)
    }

    /// The prompt is long, so that cancellation comes in the middle of it.
    @Test func cancellationLeavesTheDecoderAsItWas() async throws {
        let native = try await NativeFixtures.model(.gemma3)
        let decoder = try await native.makeDecoder()
        let before = try await decoder.append([2, 818], logits: .last)[0]
        let tokens = (0..<30_000).map { TokenID(300 + $0 % 1000) }
        let task = Task { try await decoder.append(tokens, logits: .last) }
        try await Task.sleep(for: .milliseconds(30))
        task.cancel()
        let clock = ContinuousClock()
        let start = clock.now
        await #expect { try await task.value } throws: { ($0 as? CollabError)?.code == .cancelled }
        // One step of the batch, not the whole prompt.
        #expect(clock.now - start < .seconds(30))
        #expect(decoder.position == 2)
        try await decoder.truncate(to: 1)
        #expect(try await decoder.append(818).values == before.values)
    }

    @Test func moreMemoryThanAllowed() async throws {
        // Weights and buffers of SmolLM2 take about 110 MB; this leaves room for a few hundred positions.
        let options = NativeOptions(threads: 1, memoryLimit: 140 << 20)
        let native = try await NativeModel(contentsOf: RealModel.smolLM2.path, options: options)
        let decoder = try await native.makeDecoder()
        let tokens = (0..<4000).map { TokenID(300 + $0 % 1000) }
        await #expect { try await decoder.append(tokens, logits: .none) } throws: { error in
            (error as? CollabError)?.code == .memoryLimit && "\(error)".contains("bytes")
        }
        #expect(decoder.position == 0)
        _ = try await decoder.append([1, 2, 3], logits: .last)
    }

    @Test func weightsThatDoNotFitTheMemoryLimitAreRefusedBeforeTheyAreLoaded() async throws {
        let options = NativeOptions(threads: 1, memoryLimit: 10 << 20)
        await #expect { try await NativeModel(contentsOf: RealModel.gemma3.path, options: options) } throws: {
            error in
            (error as? CollabError)?.code == .memoryLimit && "\(error)".contains("\(10 << 20)")
        }
    }

    @Test func aMissingFile() async throws {
        await #expect { try await NativeModel(contentsOf: "/nowhere/model.gguf") } throws: { error in
            (error as? CollabError)?.code == .fileNotFound
        }
    }
}

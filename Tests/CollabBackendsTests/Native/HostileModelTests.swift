import Collab
import CollabBackends
import Foundation
import Testing

/// Well-formed files whose model cannot be: each is refused with an error that says why, or loads and runs.
@Suite struct HostileModelTests {
    @Test func everyFileHasItsOutcome() async throws {
        let corpus = try FuzzCorpus.shared.get()
        let clock = ContinuousClock()
        for file in corpus.cases(of: "gguf-model") {
            let start = clock.now
            let result = await load(corpus.path(of: file))
            // Milliseconds where nothing else runs; a file that leads into a long loop takes minutes.
            #expect(clock.now - start < .seconds(60 * (ProbedFile.patience ?? 1)), "\(file.file)")
            switch (result, file.expect) {
            case (.success, .reject): Issue.record("\(file.file) loads, but: \(file.why)")
            case (.failure(let error), .accept): Issue.record("\(file.file) is good, but: \(error)")
            case (.success(let native), _): await use(native, file)
            case (.failure(let error), _):
                #expect(error.message.count > 20, "\(file.file)")
            }
        }
    }

    /// A model that loads, however strange its numbers, answers or fails with an error.
    private func use(_ native: NativeModel, _ file: FuzzCorpus.Case) async {
        do {
            let decoder = try await native.makeDecoder()
            let count = min(native.contextLength, 5)
            let logits = try await decoder.append(Array([1, 2, 3, 4, 5].prefix(count)), logits: .all)
            #expect(logits.count == count)
            #expect(logits.allSatisfy { $0.values.allSatisfy(\.isFinite) }, "\(file.file)")
        } catch {
            #expect(error.code == .notFinite, "\(file.file): \(error)")
        }
    }

    private func load(_ path: String) async -> Result<NativeModel, CollabError> {
        do throws(CollabError) {
            return .success(try await NativeModel(contentsOf: path, options: NativeOptions(threads: 1)))
        } catch {
            return .failure(error)
        }
    }
}

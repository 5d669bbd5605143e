import Collab
import Testing

@testable import CollabBackends

/// A `config.json` that was damaged or made up: an error or a model that runs, never a trap.
@Suite struct AbsurdSettingsTests {
    private static let values: [JSONValue?] = [
        .none, .some(.null), true, 0, 1, -1, 3, .integer(.max), .integer(.min), 1e-300, 1e300, 0.5, "x", [],
        [1], [:],
    ]

    @Test("whatever a setting says, there is an error or a model that runs", arguments: TinyModels.folders)
    func settings(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let written = try #require(checkpoint.specification as? HuggingFaceSpecification)
        let object = try #require(written.configuration.objectValue)
        let original = try TransformerConfiguration(describing: checkpoint)
        var (accepted, refused) = (0, 0)
        for changed in Self.variants(of: object) {
            var edited = checkpoint
            edited.specification = HuggingFaceSpecification(
                configuration: .object(changed),
                folder: written.folder
            )
            do throws(CollabError) {
                let configuration = try TransformerConfiguration(describing: edited)
                try configuration.validate(against: edited)
                accepted += 1
                // Most settings that pass change nothing, and models take time to make.
                guard configuration != original else { continue }
                let model = try await NativeModel(
                    checkpoint: edited,
                    name: name,
                    configuration: configuration,
                    text: ModelText(
                        vocabulary: NumberedTokens(count: configuration.vocabularySize),
                        dialogue: nil
                    ),
                    options: TinyModels.options
                )
                let count = min(3, model.contextLength)
                let logits = try await model.makeDecoder().append(
                    Array([5, 6, 7].prefix(count)),
                    logits: .last
                )
                #expect(logits.allSatisfy { $0.values.allSatisfy(\.isFinite) })
            } catch {
                refused += 1
                #expect(error.message.count > 20)
            }
        }
        #expect(accepted > 50 && refused > 50, "\(accepted) accepted, \(refused) refused")
    }

    /// The settings with each key, nested ones too, set to each of the values.
    private static func variants(of object: JSONObject) -> [JSONObject] {
        var variants: [JSONObject] = []
        for member in object {
            for value in values {
                var changed = object
                changed[member.key] = value
                variants.append(changed)
            }
            guard let inner = member.value.objectValue else { continue }
            for variant in self.variants(of: inner) {
                var changed = object
                changed[member.key] = .object(variant)
                variants.append(changed)
            }
        }
        return variants
    }
}

import Collab
import CollabBackends
import CollabMerging
import Foundation

/// The merges of mergekit 0.1.5 beside the tests of the backends: its configurations, inputs and outputs.
enum MergeFixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("CollabBackendsTests/Fixtures/goldens/merge").path

    /// How far a result may be from the reference's.
    struct Tolerance: Decodable, Sendable {
        var rtol: Double
        var atol: Double
        var outlier_fraction: Double
    }

    struct Case: Decodable, Sendable {
        var tolerance: Tolerance
        var output_dtype: String
    }

    static let manifest: [String: Case] = {
        guard let data = FileManager.default.contents(atPath: folder + "/manifest.json") else { return [:] }
        return (try? JSONDecoder().decode([String: Case].self, from: data)) ?? [:]
    }()

    static func configuration(_ name: String) throws -> String {
        try String(contentsOfFile: "\(folder)/configs/\(name).yml", encoding: .utf8)
    }

    /// The plan of a configuration in the fixtures.
    static func plan(_ name: String) throws -> MergePlan { try plan(yaml: configuration(name)) }

    /// The plan of a configuration whose paths are relative to the fixtures.
    static func plan(yaml: String, seed: UInt64 = 0) throws -> MergePlan {
        try MergeFile(yaml: yaml, source: "config.yml", seed: seed, relativeTo: folder).stages[0].plan
    }

    static func output(_ name: String) throws -> SafetensorsCheckpoint {
        try SafetensorsCheckpoint(path: "\(folder)/outputs/\(name)")
    }

    /// Flat indices that hang on a tie, by tensor.
    static func undecided(_ name: String) throws -> [String: Set<Int>] {
        guard let data = FileManager.default.contents(atPath: "\(folder)/outputs/\(name)/dontcare.json")
        else {
            return [:]
        }
        return try JSONDecoder().decode([String: [Int]].self, from: data).mapValues(Set.init)
    }
}

/// A folder that goes with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "merge-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

extension ScratchFolder {
    /// Copies a model of the fixtures, so that it can be changed.
    func copy(_ input: String, as name: String) throws -> String {
        let target = path + "/" + name
        try FileManager.default.copyItem(atPath: MergeFixtures.folder + "/inputs/" + input, toPath: target)
        return target
    }

    /// Writes a model of small tensors with a configuration.
    ///
    /// - Parameter first: the first tensor's first element; each other is one more than the one before.
    func model(_ name: String, tensors: [String], configuration: String?, from first: Int = 0) throws
        -> String
    {
        let folder = path + "/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let descriptions = tensors.map { TensorDescription(name: $0, shape: [4, 2], format: .f32) }
        let writer = try SafetensorsWriter(path: folder + "/model.safetensors", tensors: descriptions)
        for (place, tensor) in tensors.enumerated() {
            try writer.append((0..<8).map { Float(first + 8 * place + $0) }, to: tensor)
        }
        try writer.finish()
        try configuration?.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
        return folder
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
}

// swift-tools-version: 6.2

import PackageDescription

/// Every target is built in the Swift 6 language mode with these upcoming features switched on.
var swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The kernels stay optimised in debug builds, so that tests on real models are fast.
var kernelSettings: [CSetting] = [
    .define("NDEBUG", .when(configuration: .release)),
    .unsafeFlags(["-O3"], .when(configuration: .debug)),
]

/// With COLLAB_STRICT=1, as in the checks of a change, a warning in these targets is an error.
if Context.environment["COLLAB_STRICT"] == "1" {
    swiftSettings.append(.treatAllWarnings(as: .error))
    kernelSettings.append(.treatAllWarnings(as: .error))
}

let package = Package(
    name: "Collab",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Collab", targets: ["Collab"]),
        .library(name: "CollabBackends", targets: ["CollabBackends"]),
        .library(name: "CollabTesting", targets: ["CollabTesting"]),
        .library(name: "CollabKernels", targets: ["CollabKernels"]),
        .executable(name: "quickstart", targets: ["Quickstart"]),
        .executable(name: "inspect", targets: ["Inspect"]),
        .library(name: "CollabMerging", targets: ["CollabMerging"]),
        .library(name: "CollabRouting", targets: ["CollabRouting"]),
        .library(name: "CollabCache", targets: ["CollabCache"]),
        .library(name: "CollabObservability", targets: ["CollabObservability"]),
        .executable(name: "merge", targets: ["MergeTool"]),
        .executable(name: "route-train", targets: ["RouteTrain"]),
        .executable(name: "experiment-routing", targets: ["ExperimentRouting"]),
        .executable(name: "experiment-debate", targets: ["ExperimentDebate"]),
        .executable(name: "experiment-steering", targets: ["ExperimentSteering"]),
        .executable(name: "experiment-skills", targets: ["ExperimentSkills"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    ],
    targets: [
        // C: SIMD kernels with run-time dispatch, and shims over the two system libraries.
        .target(name: "CKernels", cSettings: kernelSettings),
        .target(name: "COpenBLAS"),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),

        // The library.
        .target(
            name: "CollabKernels",
            dependencies: ["CKernels", "COpenBLAS"],
            swiftSettings: swiftSettings
        ),
        .target(name: "Collab", dependencies: ["CollabKernels"], swiftSettings: swiftSettings),
        .target(
            name: "CollabBackends",
            dependencies: ["Collab", "CollabKernels", "CKernels", "CCurl"],
            swiftSettings: swiftSettings
        ),
        .target(name: "CollabTesting", dependencies: ["Collab"], swiftSettings: swiftSettings),

        // Merging by configuration files; whoever does not ask for it does not build the YAML reader.
        .target(
            name: "CollabMerging",
            dependencies: ["Collab", "CollabBackends", .product(name: "Yams", package: "Yams")],
            swiftSettings: swiftSettings
        ),

        // Routers that learn whom to ask.
        .target(
            name: "CollabRouting",
            dependencies: ["Collab", "CollabBackends", "CollabKernels"],
            swiftSettings: swiftSettings
        ),

        // A cache of answers in SQLite; whoever does not ask for it does not build GRDB.
        .target(
            name: "CollabCache",
            dependencies: ["Collab", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: swiftSettings
        ),

        // Logs, metrics and spans of runs.
        .target(
            name: "CollabObservability",
            dependencies: [
                "Collab",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings
        ),

        // Programs to keep.
        .executableTarget(
            name: "Quickstart",
            dependencies: [
                "Collab", "CollabBackends",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/Quickstart",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Inspect",
            dependencies: [
                "Collab", "CollabBackends",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/Inspect",
            swiftSettings: swiftSettings
        ),

        .executableTarget(
            name: "MergeTool",
            dependencies: [
                "Collab", "CollabBackends", "CollabMerging",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/Merge",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "RouteTrain",
            dependencies: [
                "Collab", "CollabBackends", "CollabRouting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/RouteTrain",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ExperimentRouting",
            dependencies: [
                "Collab", "CollabBackends", "CollabRouting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExperimentRouting",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ExperimentDebate",
            dependencies: [
                "Collab", "CollabBackends",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExperimentDebate",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ExperimentSupport",
            dependencies: ["Collab"],
            path: "Examples/ExperimentSupport",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ExperimentSteering",
            dependencies: [
                "Collab", "CollabBackends", "ExperimentSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExperimentSteering",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ExperimentSkills",
            dependencies: [
                "Collab", "CollabBackends", "ExperimentSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExperimentSkills",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Recipes",
            dependencies: ["Collab", "CollabBackends"],
            path: "Examples/Recipes",
            swiftSettings: swiftSettings
        ),

        // Tests.
        .testTarget(
            name: "CollabKernelsTests",
            dependencies: ["CollabKernels"],
            resources: [.copy("Fixtures")],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabTests",
            dependencies: ["Collab", "CollabTesting"],
            swiftSettings: swiftSettings
        ),
        // Opens hostile files for the tests, in a process that may die of them.
        .executableTarget(
            name: "FaultProbe",
            dependencies: ["Collab", "CollabBackends"],
            path: "Tests/FaultProbe",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabBackendsTests",
            dependencies: ["CollabBackends", "CollabTesting", "FaultProbe"],
            resources: [.copy("Fixtures")],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "RecipesTests",
            dependencies: ["Recipes", "Collab", "CollabBackends", "CollabTesting"],
            exclude: ["Cassettes"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabMergingTests",
            dependencies: ["CollabMerging", "Collab", "CollabBackends"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabRoutingTests",
            dependencies: ["CollabRouting", "Collab", "CollabBackends", "CollabKernels", "CollabTesting"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "CacheWriter",
            dependencies: ["Collab", "CollabCache"],
            path: "Tests/CacheWriter",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabCacheTests",
            dependencies: ["CollabCache", "CacheWriter", "Collab", "CollabTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CollabObservabilityTests",
            dependencies: [
                "CollabObservability", "Collab", "CollabTesting",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "InspectTests", dependencies: ["Inspect"], swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

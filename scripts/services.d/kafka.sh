# shellcheck shell=bash disable=SC2154
# One Kafka broker in KRaft mode. Sourced by scripts/services.

kafka_jars=build/kafka/jars
kafka_classes=$root/build/kafka/classes.jsa
# Quick to start and small; benchmarks set KAFKA_JVM to "-Xms1g -Xmx1g".
kafka_jvm=${KAFKA_JVM:--Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}

kafka_java() { # JVM options and class, then its arguments
  java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$kafka_jars/*" "$@"
}

kafka_install() {
  if [[ ! -f build/kafka/installed ]]; then
    say "services: fetching Kafka from Maven Central"
    rm -rf "$kafka_jars"
    mkdir -p "$kafka_jars"
    mvn -q -B -f scripts/services.d/kafka-pom.xml \
      org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
      -DoutputDirectory="$root/$kafka_jars" >&2 || fail "mvn dependency:copy-dependencies for Kafka"
    touch build/kafka/installed
  fi
  # A class archive of one short life halves the time of every later start.
  if [[ ! -f $kafka_classes ]]; then
    local first
    first=$(mktemp -d "$root/build/kafka/first.XXXXXX")
    kafka_start "$first" "-XX:ArchiveClassesAtExit=$kafka_classes"
    end_process "$first" TERM 60
    rm -rf "$first"
    [[ -f $kafka_classes ]] || say "services: no class archive; Kafka starts a little slower"
  fi
}

kafka_configure() { # folder
  local broker controller
  broker=$(port_for "$1" port)
  controller=$(port_for "$1" controller-port)
  # After kill -9 the broker comes back when its old session has expired.
  cat >"$1/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$address:$controller
listeners=PLAINTEXT://$address:$broker,CONTROLLER://$address:$controller
advertised.listeners=PLAINTEXT://$address:$broker
controller.listener.names=CONTROLLER
log.dirs=$1/data
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=200
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
END
  # What a test adds; of two lines with one name the last counts.
  [[ ! -f $1/more.properties ]] || cat "$1/more.properties" >>"$1/server.properties"
}

kafka_start() { # folder, more JVM options
  kafka_configure "$1"
  if [[ ! -f $1/data/meta.properties ]]; then
    # A cluster id must not begin with "-", which would read as a flag.
    kafka_java -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format \
      -t "F$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-21)" \
      -c "$1/server.properties" >>"$1/log" 2>&1 || fail "formatting the Kafka data folder: $1/log"
  fi
  local options
  read -ra options <<<"$kafka_jvm ${2:-}"
  [[ ! -f $kafka_classes ]] || options+=("-XX:SharedArchiveFile=$kafka_classes")
  start_process "$1" java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.showDateTime=true "${options[@]}" -cp "$kafka_jars/*" \
    kafka.Kafka "$1/server.properties"
  await_port "$1" 60
}

kafka_processes() { pid_of "$1"; }

kafka_stop() { end_process "$1" TERM 30; }

kafka_env() { # folder
  local broker
  broker=$address:$(<"$1/port")
  printf 'export KAFKA_BROKER=%s\nexport FOOTFALL_TEST_KAFKA=%s\n' "$broker" "$broker"
}

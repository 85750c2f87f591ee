import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes the lines of its input as the Java client does: "key TAB value" each, in one
 * transaction that is committed or aborted, or in none.
 *
 * usage: java JavaProducer.java BROKER TOPIC CODEC commit|abort|plain
 */
public class JavaProducer {
  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    String serializer = "org.apache.kafka.common.serialization.StringSerializer";
    settings.putAll(Map.of("bootstrap.servers", arguments[0], "compression.type", arguments[2],
                           "key.serializer", serializer, "value.serializer", serializer));
    boolean transactional = !arguments[3].equals("plain");
    if (transactional)
      settings.put("transactional.id", arguments[1] + System.nanoTime());
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      if (transactional) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      Future<?> last = null;
      for (String line : new String(System.in.readAllBytes()).split("\n")) {
        String[] parts = line.split("\t", 2);
        last = producer.send(new ProducerRecord<>(arguments[1], parts[0], parts[1]));
      }
      producer.flush();
      last.get();
      if (arguments[3].equals("commit"))
        producer.commitTransaction();
      else if (transactional)
        producer.abortTransaction();
    }
  }
}
